import * as tf from '@tensorflow/tfjs';
import { decode, type NumberArray, type Recorded } from '../cropr/golden.js';

/** A recorded image `[h, w]` as `[1, h, w, 1]`. */
export function imageOf(array: Recorded): tf.Tensor4D {
  const { shape, values } = imageArray(array);
  return tf.tensor4d(Float32Array.from(values), shape as [number, number, number, number]);
}

/** The same apart from any backend. */
export function imageArray(array: Recorded): NumberArray {
  const { shape, values } = decode(array);
  return { shape: [1, ...shape, 1], values };
}
