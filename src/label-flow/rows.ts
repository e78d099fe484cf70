import { concat, reshape, type Tensor, transpose } from '@tensorflow/tfjs-core';
import type { Rows } from './coupling.js';
import { unstacked } from './unstack.js';

/** `[B, D]` or `[S, B, D]` as D rows `[1, S, B]`. */
export function toRows(y: Tensor): Rows {
  const dims = y.shape[y.rank - 1] as number;
  const batch = y.shape[y.rank - 2] as number;
  return unstacked(transpose(reshape(y, [-1, dims]))).map((row) => reshape(row, [1, -1, batch]));
}

/** Inverse of {@link toRows}. */
export function fromRows(rows: Rows, shape: number[]): Tensor {
  return reshape(transpose(reshape(concat([...rows], 0), [rows.length, -1])), shape);
}
