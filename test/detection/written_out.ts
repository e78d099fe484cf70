/** The losses of a detector in plain numbers, one cell and one pixel after another. */
import type { CellLayout } from '../../src/detection/cell_layout.js';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export function logistic(x: number, target: number): number {
  return -target * Math.log(sigmoid(x)) - (1 - target) * Math.log(1 - sigmoid(x));
}

export function focal(x: number, target: number, alpha: number, gamma: number): number {
  const p = target === 1 ? sigmoid(x) : 1 - sigmoid(x);
  return -(target === 1 ? alpha : 1 - alpha) * (1 - p) ** gamma * Math.log(p);
}

/** GIoU of two boxes that are given as distances (top, left, bottom, right) from a common point. */
export function generalisedOverlap(found: readonly number[], truth: readonly number[]): number {
  const area = ([t = 0, l = 0, b = 0, r = 0]: readonly number[]): number => (t + b) * (l + r);
  const inner = area(found.map((side, i) => Math.min(side, truth[i] as number)));
  const hull = area(found.map((side, i) => Math.max(side, truth[i] as number)));
  const union = area(found) + area(truth) - inner;
  return inner / union - (hull - union) / hull;
}

interface Settings {
  alpha: number;
  gamma: number;
  box: number;
  centerness: number;
  mask: number;
  maskSamples: number;
}

function unitsOf({ classes, prototypes, resolution }: CellLayout): number {
  return classes + 5 + prototypes + prototypes * resolution ** 2;
}

/** The numbers of one cell, by what they mean. */
function read(all: readonly number[], image: number, cell: number, layout: CellLayout) {
  const { classes, grid, prototypes, resolution } = layout;
  const units = unitsOf(layout);
  const start = (image * grid[0] * grid[1] + cell) * units;
  const own = all.slice(start, start + units);
  const rest = own.slice(classes + 5 + prototypes);
  return {
    labels: own.slice(0, classes),
    sides: own.slice(classes, classes + 4),
    centerness: own[classes + 4] as number,
    coefficients: own.slice(classes + 5, classes + 5 + prototypes),
    /** Of prototype k at a pixel of the cell. */
    pixel: (y: number, x: number, k: number): number => rest[(y * resolution + x) * prototypes + k] as number,
  };
}

/** The loss of outputs for targets, both `[images, cells, units]`. */
export function total(
  found: readonly number[],
  truth: readonly number[],
  layout: CellLayout,
  settings: Settings,
): number {
  const { grid, resolution } = layout;
  const cells = grid[0] * grid[1];
  const images = truth.length / (cells * unitsOf(layout));
  const all = Array.from({ length: images * cells }, (_, i) => {
    const [image, cell] = [Math.floor(i / cells), i % cells];
    return { image, cell, found: read(found, image, cell, layout), truth: read(truth, image, cell, layout) };
  });
  const owned = all.filter((one) => one.truth.labels.includes(1));
  const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
  const ofClasses = sum(
    all.flatMap((one) =>
      one.found.labels.map((x, c) => focal(x, one.truth.labels[c] as number, settings.alpha, settings.gamma)),
    ),
  );
  const ofBoxes = sum(
    owned.map((one) => one.truth.centerness * (1 - generalisedOverlap(one.found.sides.map(Math.exp), one.truth.sides))),
  );
  const ofCentres = sum(owned.map((one) => logistic(one.found.centerness, one.truth.centerness)));
  const masked = Array.from({ length: images }, (_, image) =>
    owned
      .filter((one) => one.image === image)
      .sort((a, b) => b.truth.centerness - a.truth.centerness || a.cell - b.cell)
      .slice(0, settings.maskSamples)
      .filter((one) => one.truth.coefficients.includes(1)),
  ).flat();
  const ofMasks = sum(
    masked.map((one) => {
      const losses: number[] = [];
      const [row, column] = [Math.floor(one.cell / grid[1]) + 0.5, (one.cell % grid[1]) + 0.5];
      const [t = 0, l = 0, b = 0, r = 0] = one.truth.sides;
      for (let y = 0; y < grid[0] * resolution; y++) {
        for (let x = 0; x < grid[1] * resolution; x++) {
          const touches =
            y + 1 > (row - t) * resolution &&
            y < (row + b) * resolution &&
            x + 1 > (column - l) * resolution &&
            x < (column + r) * resolution;
          if (!touches) continue;
          const cell = Math.floor(y / resolution) * grid[1] + Math.floor(x / resolution);
          const at = (side: 'found' | 'truth'): number => {
            const owner = all[one.image * cells + cell] as (typeof all)[number];
            return sum(one[side].coefficients.map((c, k) => c * owner[side].pixel(y % resolution, x % resolution, k)));
          };
          losses.push(logistic(at('found'), at('truth')));
        }
      }
      return sum(losses) / losses.length;
    }),
  );
  return (
    ofClasses / Math.max(1, owned.length) +
    (settings.box * ofBoxes) / sum(owned.map((one) => one.truth.centerness)) +
    (settings.centerness * ofCentres) / owned.length +
    (masked.length > 0 ? (settings.mask * ofMasks) / masked.length : 0)
  );
}
