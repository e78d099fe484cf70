import { type CellLayout, plainUnits } from './cell_layout.js';
import type { Box } from './overlap.js';

/** What a cell claims to be there. */
export interface Candidate {
  cell: number;
  label: number;
  score: number;
  /** In pixels, within the image. */
  box: Box;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Numbers of a cell without the prototypes. */
export function readUnits(layout: CellLayout): number {
  return plainUnits(layout) + layout.prototypes;
}

/**
 * Reads the cells of one image, `[P · readUnits]` numbers without bounds: every class of a cell whose score, the root of its
 * probability times centre-ness, is above the threshold, with the cell's box.
 */
export function readCells(cells: Float32Array, layout: CellLayout, scoreThreshold: number): Candidate[] {
  const { classes, grid, patchSize } = layout;
  const units = readUnits(layout);
  const candidates: Candidate[] = [];
  for (let cell = 0; cell < grid[0] * grid[1]; cell++) {
    const numbers = cells.subarray(cell * units, (cell + 1) * units);
    const centerness = sigmoid(numbers[classes + 4] as number);
    for (let label = 0; label < classes; label++) {
      const score = Math.sqrt(sigmoid(numbers[label] as number) * centerness);
      if (!(score > scoreThreshold)) continue;
      const [y, x] = [Math.floor(cell / grid[1]) + 0.5, (cell % grid[1]) + 0.5];
      const sides = numbers.subarray(classes, classes + 4);
      const [top = 0, left = 0, bottom = 0, right = 0] = sides.map((side) => Math.exp(side));
      const inside = (at: number, count: number): number => Math.min(Math.max(at, 0), count) * patchSize;
      const box: Box = [
        inside(y - top, grid[0]),
        inside(x - left, grid[1]),
        inside(y + bottom, grid[0]),
        inside(x + right, grid[1]),
      ];
      candidates.push({ cell, label, score, box });
    }
  }
  return candidates;
}

/** From `start` to `end` in whole pixels of `count`, at least one. */
function pixelsOf(start: number, end: number, count: number): [from: number, to: number] {
  const from = Math.min(Math.round(start), count - 1);
  return [from, Math.max(Math.round(end), from + 1)];
}

/**
 * The mask of a candidate: numbers of the pixels within its box where its sum of the prototypes `[height · width ·
 * prototypes]`, in the size of the image, is above 0.
 */
export function readMask(
  { cell, box }: Candidate,
  cells: Float32Array,
  prototypes: Float32Array,
  layout: CellLayout,
): Int32Array {
  const { grid, patchSize, prototypes: count } = layout;
  const start = cell * readUnits(layout) + plainUnits(layout);
  const coefficients = cells.subarray(start, start + count);
  const [height, width] = [grid[0] * patchSize, grid[1] * patchSize];
  const [top, bottom] = pixelsOf(box[0], box[2], height);
  const [left, right] = pixelsOf(box[1], box[3], width);
  const pixels: number[] = [];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const pixel = y * width + x;
      let logit = 0;
      for (let k = 0; k < count; k++) logit += (coefficients[k] as number) * (prototypes[pixel * count + k] as number);
      if (logit > 0) pixels.push(pixel);
    }
  }
  return Int32Array.from(pixels);
}
