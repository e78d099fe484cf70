import type { Grid } from '../cropr-dense/grid.js';
import type { Boxed } from './overlap.js';

/** Top, left, bottom, right. */
type Sides = [top: number, left: number, bottom: number, right: number];

/** The object that a cell has to find. */
export interface AssignedCell {
  /** Number of the object. */
  object: number;
  /** From the middle of the cell to the sides of the box, in units of the patch. */
  distances: Sides;
  /** 1 in the middle of the box, 0 at its border. */
  centerness: number;
}

/** Where the cells lie. */
export interface CellGrid {
  grid: Grid;
  /** Side of a cell in pixels. */
  patchSize: number;
  /** A cell belongs to an object if their middles are no further apart than this, along each axis, in units of the patch. */
  radius: number;
}

/**
 * Gives objects to the cells of a grid, row by row; undefined is a cell without one.
 *
 * A cell finds an object if its middle lies within the box and near enough to the middle of the box. Of several objects the
 * one with the smallest box has it, of equal ones the first. An object that has no middle of a cell within its box has the
 * cell that its own middle lies in: there it stands for the smallest box around both middle and object, with centre-ness 1.
 *
 * Source: FCOS (Tian et al. 2019), with centre sampling; the objects that are too small for it are our addition.
 */
export function assignCells(objects: readonly Boxed[], cells: CellGrid): (AssignedCell | undefined)[] {
  const [rows, columns] = cells.grid;
  const assigned: (AssignedCell | undefined)[] = Array.from({ length: rows * columns }, () => undefined);
  const bySize = [...objects.keys()].sort((a, b) => areaOf(objects, b) - areaOf(objects, a) || b - a);
  // The largest first, so that the smaller ones take over.
  for (const object of bySize) {
    const sides = (objects[object] as Boxed).box.map((side) => side / cells.patchSize) as Sides;
    let found = false;
    for (let cell = 0; cell < assigned.length; cell++) {
      const [y, x] = [Math.floor(cell / columns) + 0.5, (cell % columns) + 0.5];
      const distances = distancesFrom(y, x, sides);
      const [top, left, bottom, right] = distances;
      const apart = Math.max(Math.abs(top - bottom), Math.abs(left - right)) / 2;
      if (Math.min(...distances) <= 0 || apart > cells.radius) continue;
      found = true;
      assigned[cell] = { object, distances, centerness: centernessOf(distances) };
    }
    if (!found) assignSmall(object, sides, cells, assigned);
  }
  return assigned;
}

function areaOf(objects: readonly Boxed[], object: number): number {
  const [top, left, bottom, right] = (objects[object] as Boxed).box;
  return (bottom - top) * (right - left);
}

function distancesFrom(y: number, x: number, [top, left, bottom, right]: Sides): Sides {
  return [y - top, x - left, bottom - y, right - x];
}

/** As FCOS has it: the root of the ratios of opposite distances, the smaller over the larger. */
function centernessOf([top, left, bottom, right]: Sides): number {
  const ratio = (a: number, b: number): number => Math.min(a, b) / Math.max(a, b);
  return Math.sqrt(ratio(top, bottom) * ratio(left, right));
}

/** The cell that the middle of a small object lies in. */
function assignSmall(
  object: number,
  sides: Sides,
  { grid: [rows, columns] }: CellGrid,
  assigned: (AssignedCell | undefined)[],
): void {
  const place = (from: number, to: number, count: number): number => Math.min(Math.floor((from + to) / 2), count - 1);
  const [row, column] = [place(sides[0], sides[2], rows), place(sides[1], sides[3], columns)];
  const distances = distancesFrom(row + 0.5, column + 0.5, sides).map((distance) => Math.max(distance, 0)) as Sides;
  assigned[row * columns + column] = { object, distances, centerness: 1 };
}
