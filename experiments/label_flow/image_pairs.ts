/** Pairs of classes of small images, and signals that see one pixel each. */
import { errorBounds, oneFeatureSignal, randomStream } from 'tfjs-llf';
import {
  hasFashionMnist,
  loadFashionMnist,
  loadMnist,
  MNIST_SIDE,
  type MnistSplit,
} from '../../examples/data/mnist.js';
import type { Labelled, Problem } from './compare.js';

/** Class 0 and class 1 of each pair; of clothing those of the authors, of digits such as look alike. */
const MNIST_PAIRS = ['mnist 3 8', 'mnist 4 9', 'mnist 1 7'] as const;
const FASHION_PAIRS = ['fashion 3 7', 'fashion 4 8', 'fashion 5 9'] as const;

export type Pair = (typeof MNIST_PAIRS)[number] | (typeof FASHION_PAIRS)[number];

/** The pairs whose images are on this machine. */
export function availablePairs(): readonly Pair[] {
  return hasFashionMnist() ? [...MNIST_PAIRS, ...FASHION_PAIRS] : MNIST_PAIRS;
}

/** Rows of the three pixels, a quarter, a half and three quarters down. */
const SIGNAL_ROWS = [6, 13, 20] as const;
/** Column of the authors' pixels. In MNIST it is blank. */
const FASHION_COLUMN = 27;

/** Images of two classes, in random order, as rows of numbers in [0, 1]. */
export function imagesOf(
  { pixels, labels }: MnistSplit,
  classes: readonly number[],
  count: number,
  seed: number,
): Labelled {
  const size = MNIST_SIDE ** 2;
  const found = [...labels.keys()].filter((n) => classes.includes(labels[n] as number));
  const order = randomStream(seed, 'images').permutation(found.length);
  const chosen = [...order.slice(0, count)].map((i) => found[i] as number);
  return {
    x: chosen.map((n) => Array.from(pixels.subarray(n * size, (n + 1) * size), (value) => value / 255)),
    y: chosen.map((n) => classes.indexOf(labels[n] as number)),
  };
}

/** The column of an image row where the two classes differ most on average. */
export function tellingColumn({ x, y }: Labelled, row: number): number {
  const difference = (column: number): number => {
    const sums = [0, 0];
    const counts = [0, 0];
    x.forEach((image, n) => {
      const label = y[n] as 0 | 1;
      sums[label] = (sums[label] as number) + (image[row * MNIST_SIDE + column] as number);
      counts[label] = (counts[label] as number) + 1;
    });
    return Math.abs((sums[0] as number) / (counts[0] as number) - (sums[1] as number) / (counts[1] as number));
  };
  const columns = Array.from({ length: MNIST_SIDE }, (_, column) => column);
  return columns.reduce((best, column) => (difference(column) > difference(best) ? column : best), 0);
}

/**
 * A pair as a problem: signals are fitted on images that are used for nothing else, and bounds are their true errors on
 * the images for training.
 */
export async function pairProblem(pair: Pair, seed: number, trainRows: number, testRows: number): Promise<Problem> {
  const [set, ...names] = pair.split(' ');
  const classes = names.map(Number);
  const load = set === 'mnist' ? loadMnist : loadFashionMnist;
  const known = imagesOf(await load('train'), classes, 2 * trainRows, seed);
  const half = (begin: number): Labelled => ({
    x: known.x.slice(begin, begin + trainRows),
    y: known.y.slice(begin, begin + trainRows),
  });
  const [simulation, train] = [half(0), half(trainRows)];
  const signals = SIGNAL_ROWS.map((row) => {
    const column = set === 'mnist' ? tellingColumn(simulation, row) : FASHION_COLUMN;
    const pixelOf = (image: readonly number[]): number => image[row * MNIST_SIDE + column] as number;
    return oneFeatureSignal(simulation.x.map(pixelOf), simulation.y).vote(train.x.map(pixelOf));
  });
  const votes = train.x.map((_, n) => signals.map((signal) => signal[n] as [number, number]));
  const test = imagesOf(await load('test'), classes, testRows, seed);
  return { train, test, votes, bounds: errorBounds(votes, train.y), seed };
}
