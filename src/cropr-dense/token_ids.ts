import { range, reshape, type Tensor, tidy, tile } from '@tensorflow/tfjs-core';

/** `[batch, count]` int32: 0, 1, ... in each row. */
export function idsInOrder(batch: number, count: number): Tensor {
  return tidy(() => tile(reshape(range(0, count, 1, 'int32'), [1, count]), [batch, 1]));
}
