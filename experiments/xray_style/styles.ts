/** Hidden styles: how a workstation might show the same radiograph. A contender sees pairs, never this file. */
import * as tf from '@tensorflow/tfjs';
import { localLaplacian } from 'tfjs-llf';

/** A look: a remap curve for details, then grey values. */
export interface Style {
  name: string;
  /** m(d): a detail and what it becomes. */
  remap: (detail: number) => number;
  /** Grey values after the filter. */
  tone: (image: tf.Tensor) => tf.Tensor;
}

/** Leaves noise, strengthens what is a little larger, and presses edges together. */
function crisp(d: number): number {
  const size = Math.abs(d);
  const noise = size ** 2 / (size ** 2 + 0.012 ** 2);
  return (
    Math.sign(d) * (size * (1 + 1.6 * noise * Math.exp(-((size / 0.1) ** 2))) * (size < 0.25 ? 1 : 0.25 / size) ** 0.35)
  );
}

/** Strengthens dark details twice as much as bright ones. */
function deep(d: number): number {
  const strength = d < 0 ? 1.4 : 0.5;
  return d * (1 + strength * Math.exp(-((d / 0.12) ** 2) / 2));
}

/** Smooths small details, keeps edges. */
function calm(d: number): number {
  return d * (1 - 0.75 * Math.exp(-((d / 0.08) ** 2) / 2));
}

export const STYLES: readonly Style[] = [
  { name: 'crisp', remap: crisp, tone: (x) => tf.add(tf.mul(x, 0.75), 0.12) },
  { name: 'deep', remap: deep, tone: (x) => tf.sub(tf.mul(x, 1.2), 0.1) },
  { name: 'calm', remap: calm, tone: (x) => tf.pow(tf.clipByValue(tf.mul(x, 0.9), 0, 1), 0.8) },
];

const NODES = 1025;

/** An image `[1, H, W, 1]` in a style: a finer filter than any contender has, its curve a table. */
export function styled(image: tf.Tensor, { remap, tone }: Style): tf.Tensor {
  return tf.tidy(() => {
    const table = tf.tensor1d(Array.from({ length: NODES }, (_, i) => remap((2 * i) / (NODES - 1) - 1)));
    return tone(localLaplacian(image, { remap: table, samples: 32, levels: 6 }));
  });
}
