import { reshape, split, squeeze, type Tensor, transpose } from '@tensorflow/tfjs-core';
import type { Grid } from '../cropr-dense/grid.js';

/** What a cell of the patch grid predicts, and how large the grid is. */
export interface CellLayout {
  /** Number of classes. */
  classes: number;
  /** Rows and columns of patches; each patch is a cell. */
  grid: Grid;
  /** Side of a patch in pixels. */
  patchSize: number;
  /** Prototypes of masks, 0 without masks. */
  prototypes: number;
  /** Pixels of a prototype along the side of a patch. */
  resolution: number;
}

/**
 * Numbers of a cell, side by side: a logit per class, logarithms of the distances to the four sides (top, left, bottom,
 * right, in units of the patch), the logit of centre-ness; with masks a coefficient per prototype, and all prototypes at the
 * pixels of the patch.
 */
export function cellSizes({ classes, prototypes, resolution }: CellLayout): number[] {
  return [classes, 4, 1, ...(prototypes > 0 ? [prototypes, resolution * resolution * prototypes] : [])];
}

/** Numbers of a cell before the coefficients of masks. */
export function plainUnits({ classes }: CellLayout): number {
  return classes + 5;
}

/** How many numbers a cell has. */
export function cellUnits(layout: CellLayout): number {
  return cellSizes(layout).reduce((sum, size) => sum + size, 0);
}

/** Rows and columns of pixels of a prototype. */
export function prototypeSize({ grid: [rows, columns], resolution }: CellLayout): Grid {
  return [rows * resolution, columns * resolution];
}

/** The parts of cells `[B, P, units]`. */
export interface CellParts {
  /** `[B, P, classes]`. */
  labels: Tensor;
  /** `[B, P, 4]`. */
  sides: Tensor;
  /** `[B, P, 1]`. */
  centerness: Tensor;
  masks?: {
    /** `[B, P, prototypes]`. */
    coefficients: Tensor;
    /** Pixels row by row, `[B, height · width, prototypes]`. */
    prototypes: Tensor;
  };
}

/** Takes cells apart; gradients flow back to all of them. */
export function splitCells(cells: Tensor, layout: CellLayout): CellParts {
  const parts = split(cells, cellSizes(layout), 2);
  const [labels, sides, centerness, coefficients, pixels] = parts as [Tensor, Tensor, Tensor, Tensor?, Tensor?];
  const masks = coefficients && pixels && { coefficients, prototypes: inRows(pixels, layout) };
  return { labels, sides, centerness, ...(masks && { masks }) };
}

/** Pixels patch by patch, `[B, P, pixels · prototypes]`, to pixels row by row. */
function inRows(pixels: Tensor, { grid: [rows, columns], resolution, prototypes }: CellLayout): Tensor {
  const batch = pixels.shape[0] as number;
  const byPatch = reshape(pixels, [batch * rows, columns, resolution, resolution * prototypes]);
  return reshape(transpose(byPatch, [0, 2, 1, 3]), [batch, rows * columns * resolution * resolution, prototypes]);
}

/** A column `[..., 1]` without its last axis. */
export function column(x: Tensor): Tensor {
  return squeeze(x, [x.rank - 1]);
}
