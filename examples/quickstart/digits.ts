/** Digits as tensors. */
import * as tf from '@tensorflow/tfjs';
import { randomStream } from 'tfjs-llf';
import { MNIST_SIDE, type MnistSplit } from '../data/mnist.js';

/** Mean and standard deviation of a pixel of the training digits, ink being 1. */
const INK = { mean: 0.13, deviation: 0.31 };

/** Digits as a model wants them. */
export interface Digits {
  /** `[n, 28, 28, 1]`, mean about 0, deviation about 1. */
  images: tf.Tensor;
  /** One-hot, `[n, 10]`. */
  targets: tf.Tensor;
  /** The same without tensors. */
  raw: MnistSplit;
}

/** Draws `count` digits without replacement; the same seed draws the same ones in the same sequence. */
export function drawDigits({ pixels, labels }: MnistSplit, count: number, seed: number): Digits {
  if (!Number.isInteger(count) || count < 1 || count > labels.length)
    throw new Error(`drawDigits: count must be an integer in [1, ${labels.length}], received ${count}.`);
  const size = MNIST_SIDE ** 2;
  const raw = { pixels: new Uint8Array(count * size), labels: new Uint8Array(count) };
  const order = randomStream(seed, 'draw digits').permutation(labels.length).subarray(0, count);
  for (const [i, index] of order.entries()) {
    raw.pixels.set(pixels.subarray(index * size, (index + 1) * size), i * size);
    raw.labels[i] = labels[index] as number;
  }
  const ink = Float32Array.from(raw.pixels, (byte) => (byte / 255 - INK.mean) / INK.deviation);
  return {
    images: tf.tensor4d(ink, [count, MNIST_SIDE, MNIST_SIDE, 1]),
    targets: tf.tidy(() => tf.oneHot(tf.tensor1d(raw.labels, 'int32'), 10).toFloat()),
    raw,
  };
}
