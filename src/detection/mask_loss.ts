import {
  add,
  div,
  matMul,
  maximum,
  mul,
  range,
  reshape,
  slice,
  step,
  sub,
  sum,
  type Tensor,
  tensor,
  topk,
} from '@tensorflow/tfjs-core';
import { gatherTokens, takeTokens } from '../ops/gather_tokens.js';
import { type CellLayout, type CellParts, column, prototypeSize } from './cell_layout.js';
import { weightedLogisticLoss } from './focal_loss.js';

/** `[1, P, 4]`: the middle of each cell, row by row, as (y, x, y, x) in units of the patch. */
function middles([rows, columns]: CellLayout['grid']): Tensor {
  const at = (cell: number): number[] => [Math.floor(cell / columns) + 0.5, (cell % columns) + 0.5];
  const cells = Array.from({ length: rows * columns }, (_, cell) => [...at(cell), ...at(cell)]);
  return tensor(cells.flat(), [1, rows * columns, 4]);
}

/** Whether the places 0, 1, ... touch the intervals: starts and ends `[B, S, 1]` → 0 or 1, `[B, S, count]`. */
function touched(start: Tensor, end: Tensor, count: number): Tensor {
  const places = range(0, count, 1);
  return mul(step(sub(end, places)), step(sub(add(places, 1), start)));
}

/** The pixels of a prototype that each box touches: distances `[B, P, 4]`, chosen cells `[B, S]` → `[B, S, pixels]`. */
function windows(distances: Tensor, cells: Tensor, layout: CellLayout): Tensor {
  const [height, width] = prototypeSize(layout);
  const boxes = mul(add(middles(layout.grid), mul(distances, tensor([-1, -1, 1, 1]))), layout.resolution);
  const chosen = takeTokens(boxes, cells);
  const [batch, count] = cells.shape as [number, number];
  const side = (i: number): Tensor => slice(chosen, [0, 0, i], [batch, count, 1]);
  const rows = reshape(touched(side(0), side(2), height), [batch, count, height, 1]);
  const columns = reshape(touched(side(1), side(3), width), [batch, count, 1, width]);
  return reshape(mul(rows, columns), [batch, count, height * width]);
}

/**
 * Cross-entropy of masks within their boxes: a mask is the sum of the prototypes, weighted by the coefficients of a cell.
 * Mean over the pixels that the true box touches, and over the `samples` most central cells of each image whose object has a
 * mask. In `truth`, prototype k is the mask of the k-th object, and a cell's coefficients name its object: the same sum.
 *
 * The gradient flows to the coefficients and prototypes of `found`.
 *
 * Source: YOLACT (Bolya et al. 2019).
 */
export function maskLoss(found: CellParts, truth: CellParts, layout: CellLayout, samples: number): Tensor | undefined {
  if (!found.masks || !truth.masks) return undefined;
  const count = Math.min(samples, layout.grid[0] * layout.grid[1]);
  const cells = topk(column(truth.centerness), count).indices;
  const owner = takeTokens(truth.masks.coefficients, cells);
  const hasMask = sum(owner, 2, true);
  const window = windows(truth.sides, cells, layout);
  const pixels = mul(maximum(sum(window, 2, true), 1), maximum(sum(hasMask), 1));
  const logits = matMul(gatherTokens(found.masks.coefficients, cells), found.masks.prototypes, false, true);
  const targets = matMul(owner, truth.masks.prototypes, false, true);
  return weightedLogisticLoss(logits, targets, mul(window, div(hasMask, pixels)));
}
