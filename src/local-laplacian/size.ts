import type { Tensor } from '@tensorflow/tfjs-core';

/** Height and width of a level. */
export type Size = readonly [height: number, width: number];

/** Half of a size, rounded up: sample k of the next level sits on sample 2k of this one. */
export function halved([height, width]: Size): Size {
  return [(height + 1) >> 1, (width + 1) >> 1];
}

/** The sizes of so many levels, or of fewer down to one pixel: further ones change nothing. */
export function levelSizes(size: Size, levels: number): Size[] {
  const sizes = [size];
  for (let last = size; sizes.length < levels && Math.max(...last) > 1; ) {
    last = halved(last);
    sizes.push(last);
  }
  return sizes;
}

/** Height and width of `[B, H, W, C]`. */
export function sizeOf(x: Tensor): Size {
  return [x.shape[1] as number, x.shape[2] as number];
}
