/** Few images of clothing, some with wrong labels, and digits to transfer to; without Fashion-MNIST, digits alone. */
import * as tf from '@tensorflow/tfjs';
import { type RandomStream, randomStream } from 'tfjs-llf';
import {
  hasFashionMnist,
  loadFashionMnist,
  loadMnist,
  MNIST_SIDE,
  type MnistSplit,
} from '../../examples/data/mnist.js';
import { CLASSES } from './network.js';
import { HELD_BACK, type Regime, SHIFT, TRANSFER_PER_CLASS } from './settings.js';

const PIXELS = MNIST_SIDE * MNIST_SIDE;
/** Mean and deviation of the pixels, in [0, 1]. */
const CLOTHING = { load: loadFashionMnist, mean: 0.286, deviation: 0.353 };
const DIGITS = { load: loadMnist, mean: 0.1307, deviation: 0.3081 };

/** What the networks learn, and whether there are other images to transfer to. */
const LEARNED = hasFashionMnist() ? CLOTHING : DIGITS;
export const TRANSFERS: boolean = LEARNED !== DIGITS;

/** Images `[n, 28, 28, 1]` of mean 0 and deviation 1 or so, and their n classes. */
export interface Samples {
  images: tf.Tensor4D;
  labels: Uint8Array;
}

/** What to train on: pixels to be drawn anew in each epoch, and labels of which some are wrong. */
export interface TrainingSet extends MnistSplit {
  /** 1 where the label was replaced. */
  replaced: Uint8Array;
}

/** The first `perClass` images of each class, by a random order of them all; what is left comes after, in that order. */
function byClass(
  labels: ArrayLike<number>,
  perClass: number,
  stream: RandomStream,
): { chosen: number[]; left: number[] } {
  const counts = new Array<number>(CLASSES).fill(0);
  const chosen: number[] = [];
  const left: number[] = [];
  for (const i of stream.permutation(labels.length)) {
    const label = labels[i] as number;
    const count = counts[label] as number;
    counts[label] = count + 1;
    (count < perClass ? chosen : left).push(i);
  }
  return { chosen, left };
}

/** These images and their labels, in this order. */
export function pick({ pixels, labels }: MnistSplit, indices: readonly number[]): MnistSplit {
  const chosen = new Uint8Array(indices.length * PIXELS);
  indices.forEach((from, to) => {
    chosen.set(pixels.subarray(from * PIXELS, (from + 1) * PIXELS), to * PIXELS);
  });
  return { pixels: chosen, labels: Uint8Array.from(indices, (i) => labels[i] as number) };
}

function samplesOf({ pixels, labels }: MnistSplit, { mean, deviation }: Omit<typeof DIGITS, 'load'>): Samples {
  const images = tf.tidy(() =>
    tf.tensor4d(pixels, [labels.length, MNIST_SIDE, MNIST_SIDE, 1], 'float32').div(255).sub(mean).div(deviation),
  );
  return { images: images as tf.Tensor4D, labels };
}

/** The training set of a seed, and images to judge by: of the test split, or of what the training split has left. */
export async function trainingData(
  { perClass, noise }: Regime,
  seed: number,
  judge: 'test' | 'validation',
): Promise<{ training: TrainingSet; held: Samples }> {
  const all = await LEARNED.load('train');
  const { chosen, left } = byClass(all.labels, perClass, randomStream(seed, 'training images'));
  const held = judge === 'test' ? await LEARNED.load('test') : pick(all, left.slice(0, HELD_BACK));
  const first = Array.from({ length: HELD_BACK }, (_, i) => i);
  return {
    training: mislabel(pick(all, chosen), noise, randomStream(seed, 'wrong labels')),
    held: samplesOf(pick(held, first), LEARNED),
  };
}

/** Replaces a share of the labels, rounded, by classes drawn at random, which may be the right ones. */
export function mislabel(set: MnistSplit, share: number, stream: RandomStream): TrainingSet {
  const labels = set.labels.slice();
  const replaced = new Uint8Array(labels.length);
  for (const i of stream.permutation(labels.length).slice(0, Math.round(share * labels.length))) {
    labels[i] = stream.integer(CLASSES);
    replaced[i] = 1;
  }
  return { pixels: set.pixels, labels, replaced };
}

/** Digits for the features to prove themselves on: a few of each class to learn from, and others to be tested on. */
export async function digits(seed: number): Promise<{ known: Samples; held: Samples }> {
  const [train, test] = [await loadMnist('train'), await loadMnist('test')];
  const { chosen } = byClass(train.labels, TRANSFER_PER_CLASS, randomStream(seed, 'digits'));
  const first = Array.from({ length: HELD_BACK }, (_, i) => i);
  return { known: samplesOf(pick(train, chosen), DIGITS), held: samplesOf(pick(test, first), DIGITS) };
}

/** The training images as they are, in the order of their labels. */
export function plain(set: TrainingSet): Samples {
  return samplesOf(set, LEARNED);
}

/** Batches of one epoch after another for `fitDataset`: each image once, shifted and half of them mirrored. */
export function augmented(set: TrainingSet, batchSize: number, seed: number): tf.data.Dataset<tf.TensorContainer> {
  let epoch = 0;
  function* batches(): Generator<{ xs: tf.Tensor; ys: tf.Tensor }> {
    const stream = randomStream(seed, 'augmentation', epoch++);
    const order = [...stream.permutation(set.labels.length)];
    for (let start = 0; start < order.length; start += batchSize) {
      const batch = pick(set, order.slice(start, start + batchSize));
      const moved = { pixels: move(batch.pixels, stream), labels: batch.labels };
      const ys = tf.tidy(() => tf.oneHot(tf.tensor1d(batch.labels, 'int32'), CLASSES).toFloat());
      yield { xs: samplesOf(moved, LEARNED).images, ys };
    }
  }
  return tf.data.generator(batches as never);
}

/** Images shifted by up to `SHIFT` pixels each way, zeros moving in, and mirrored by the toss of a coin. */
function move(pixels: Uint8Array, stream: RandomStream): Uint8Array {
  const moved = new Uint8Array(pixels.length);
  const draw = (): number => stream.integer(2 * SHIFT + 1) - SHIFT;
  for (let image = 0; image < pixels.length; image += PIXELS) {
    const [down, right, mirrored] = [draw(), draw(), stream.integer(2) === 1];
    for (let y = Math.max(0, -down); y < Math.min(MNIST_SIDE, MNIST_SIDE - down); y++) {
      for (let x = Math.max(0, -right); x < Math.min(MNIST_SIDE, MNIST_SIDE - right); x++) {
        const column = mirrored ? MNIST_SIDE - 1 - x : x;
        moved[image + (y + down) * MNIST_SIDE + x + right] = pixels[image + y * MNIST_SIDE + column] as number;
      }
    }
  }
  return moved;
}
