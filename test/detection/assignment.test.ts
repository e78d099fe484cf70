import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AssignedCell, assignCells } from '../../src/detection/assignment.js';
import type { Box } from '../../src/detection/overlap.js';

/** Cells of 4 x 4 pixels. */
const assign = (
  boxes: readonly Box[],
  grid: [number, number] = [3, 4],
  radius = 1.5,
): readonly (AssignedCell | undefined)[] =>
  assignCells(
    boxes.map((box) => ({ box })),
    { grid, patchSize: 4, radius },
  );

/** Number of the object of each cell, -1 without. */
const owners = (cells: readonly (AssignedCell | undefined)[]): number[] => cells.map((cell) => cell?.object ?? -1);

describe('cells get objects', () => {
  it('whose box holds their middle, with the distances to its sides', () => {
    const cells = assign([[4, 4, 8, 12]]);
    expect(owners(cells)).toEqual([-1, -1, -1, -1, -1, 0, 0, -1, -1, -1, -1, -1]);
    expect(cells[5]).toEqual({ object: 0, distances: [0.5, 0.5, 0.5, 1.5], centerness: Math.sqrt(1 / 3) });
    expect(cells[6]).toEqual({ object: 0, distances: [0.5, 1.5, 0.5, 0.5], centerness: Math.sqrt(1 / 3) });
  });

  it('not where their middle lies on the border of the box', () => {
    // The middles of the first row of cells have y = 2.
    expect(owners(assign([[2, 4, 8, 8]]))).toEqual([-1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1]);
  });

  it('near the middle of a large box only', () => {
    const box: Box = [0, 0, 20, 20];
    const count = (radius: number): number => owners(assign([box], [5, 5], radius)).filter((i) => i === 0).length;
    expect([0.5, 1.5, 2.5, Number.POSITIVE_INFINITY].map(count)).toEqual([1, 9, 25, 25]);
  });

  it('the smaller of two', () => {
    const [large, small]: Box[] = [[0, 0, 12, 12], [4, 4, 8, 8]]; // biome-ignore format: boxes
    for (const [boxes, inner] of [[[large, small], 1], [[small, large], 0]] as [Box[], number][]) // biome-ignore format: pairs
      expect(owners(assign(boxes, [3, 3]))).toEqual(
        [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => (i === 4 ? inner : 1 - inner)),
      );
  });

  it('the first of two of one size', () => {
    expect(owners(assign([[0, 0, 4, 4], [0, 0, 4, 4]], [1, 1]))).toEqual([0]); // biome-ignore format: boxes
  });

  it('none where there is none', () => {
    expect(owners(assign([], [1, 2]))).toEqual([-1, -1]);
  });

  it('that hold no middle, by their own: the smallest box around both', () => {
    // Within the cell from (4, 4) to (8, 8), whose middle is (6, 6), above and left of it.
    const cells = assign([[4, 5, 5, 6]]);
    expect(owners(cells)).toEqual([-1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1]);
    expect(cells[5]).toEqual({ object: 0, distances: [0.5, 0.25, 0, 0], centerness: 1 });
    // Long and thin between two columns of middles, x = 2 and 6.
    expect(owners(assign([[0, 3, 12, 5]]))).toEqual([-1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1]);
    // At the far corner.
    expect(assign([[11, 15, 12, 16]])[11]).toEqual({ object: 0, distances: [0, 0, 0.5, 0.5], centerness: 1 });
  });

  it('by the same rules anywhere: an object alone has a cell, whose distances give its box', () => {
    const side = fc.tuple(fc.nat(47), fc.integer({ min: 1, max: 48 }));
    const span = side.filter(([from, length]) => from + length <= 48);
    fc.assert(
      fc.property(span, span, ([top, height], [left, width]) => {
        const box: Box = [top, left, top + height, left + width];
        const found = [...assign([box], [12, 12]).entries()].filter(([, cell]) => cell);
        expect(found.length).toBeGreaterThan(0);
        expect(found.length).toBeLessThanOrEqual(16);
        for (const [i, cell] of found) {
          const { distances, centerness } = cell as AssignedCell;
          const [y, x] = [4 * Math.floor(i / 12) + 2, 4 * (i % 12) + 2];
          const [t = 0, l = 0, b = 0, r = 0] = distances.map((distance) => 4 * distance);
          const around = [Math.min(top, y), Math.min(left, x), Math.max(top + height, y), Math.max(left + width, x)];
          expect([y - t, x - l, y + b, x + r]).toEqual(around);
          expect(centerness).toBeGreaterThan(0);
          expect(centerness).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
