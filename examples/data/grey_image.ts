/** Grey images as plain numbers, on their way between files and tensors. */
import * as tf from '@tensorflow/tfjs';

/** A grey image; values row by row, 0 black and 1 white. */
export interface GreyImage {
  height: number;
  width: number;
  values: Float32Array;
}

/** Maps grey values as a viewer does: `center - width / 2` becomes 0, `center + width / 2` becomes 1, what lies beyond is cut. */
export function windowed(values: ArrayLike<number>, center: number, width: number): Float32Array {
  if (!(width > 0)) throw new Error(`windowed: width must be a positive number, received ${width}.`);
  return Float32Array.from(values, (value) => Math.min(1, Math.max(0, (value - center) / width + 0.5)));
}

/** The window from the darkest to the brightest values but for a share of each, such as 0.005. */
export function percentileWindow(values: ArrayLike<number>, share: number): { center: number; width: number } {
  const sorted = Float64Array.from(values).sort();
  const at = (q: number): number => sorted[Math.round(q * (sorted.length - 1))] as number;
  const [low, high] = [at(share), at(1 - share)];
  return { center: (low + high) / 2, width: high - low || 1 };
}

/** A part of an image. */
export function cropped(
  { width, values }: GreyImage,
  top: number,
  left: number,
  height: number,
  wide: number,
): GreyImage {
  const part = new Float32Array(height * wide);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * width + left;
    part.set(values.subarray(start, start + wide), y * wide);
  }
  return { height, width: wide, values: part };
}

/** `[1, H, W, 1]`. */
export function toTensor({ height, width, values }: GreyImage): tf.Tensor4D {
  return tf.tensor4d(values, [1, height, width, 1]);
}

/** The first image of `[B, H, W, 1]`. */
export async function fromTensor(image: tf.Tensor): Promise<GreyImage> {
  const [, height = 0, width = 0] = image.shape;
  const values = (await image.data<'float32'>()).slice(0, height * width);
  return { height, width, values };
}
