/** Few digits, some with wrong labels. Plain numbers, no tensors. */
import { randomStream } from 'tfjs-llf';
import { type DigitSet, SIDE } from '../data/digits.js';

const CLASSES = 10;
const PIXELS = SIDE * SIDE;
/** Mean and standard deviation of a pixel, ink being 1. */
const INK = { mean: 0.13, deviation: 0.31 };

/** Digits as a net wants them. */
export interface Samples {
  /** `[n, 28, 28, 1]`, mean about 0, deviation about 1. */
  images: Float32Array;
  labels: Uint8Array;
}

/** What to train on. */
export interface Training extends Samples {
  /** Numbers of the samples whose label is wrong. */
  wrong: number[];
}

function chosen({ pixels, labels }: DigitSet, rows: readonly number[]): Samples {
  const images = new Float32Array(rows.length * PIXELS);
  rows.forEach((row, n) => {
    for (let i = 0; i < PIXELS; i++)
      images[n * PIXELS + i] = ((pixels[row * PIXELS + i] as number) / 255 - INK.mean) / INK.deviation;
  });
  return { images, labels: Uint8Array.from(rows, (row) => labels[row] as number) };
}

/** Draws as many digits of each class; a share of them gets another label than its own. */
export function trainingOf(digits: DigitSet, perClass: number, noise: number, seed: number): Training {
  const stream = randomStream(seed, 'training digits');
  const counts = new Array<number>(CLASSES).fill(0);
  const rows = [...stream.permutation(digits.labels.length)].filter((row) => {
    const label = digits.labels[row] as number;
    counts[label] = (counts[label] as number) + 1;
    return (counts[label] as number) <= perClass;
  });
  const samples = chosen(digits, rows);
  const wrong = [...stream.permutation(rows.length).subarray(0, Math.round(noise * rows.length))];
  for (const n of wrong)
    samples.labels[n] = ((samples.labels[n] as number) + 1 + stream.integer(CLASSES - 1)) % CLASSES;
  return { ...samples, wrong };
}

/** The first digits of a set. */
export function heldOf(digits: DigitSet, count: number): Samples {
  return chosen(
    digits,
    Array.from({ length: count }, (_, n) => n),
  );
}
