import type { Tensor } from '@tensorflow/tfjs-core';

/** Height and width of a level. */
export type Size = readonly [height: number, width: number];

/** Half of a size, rounded up: sample k of the next level sits on sample 2k of this one. */
export function halved([height, width]: Size): Size {
  return [(height + 1) >> 1, (width + 1) >> 1];
}

/** Height and width of `[B, H, W, C]`. */
export function sizeOf(x: Tensor): Size {
  return [x.shape[1] as number, x.shape[2] as number];
}
