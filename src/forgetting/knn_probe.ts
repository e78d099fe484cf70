import { dispose, matMul, mean, mul, slice, square, sub, sum, type Tensor2D, tidy, topk } from '@tensorflow/tfjs-core';
import { argumentError, requireInteger } from '../core/checks.js';

/** Features of two sets of samples and their classes: a probe learns from the one and predicts the other. */
export interface ProbeData {
  /** `[N, F]` float32. */
  readonly trainFeatures: Tensor2D;
  /** N class numbers from 0. */
  readonly trainLabels: ArrayLike<number>;
  /** `[M, F]` float32. */
  readonly testFeatures: Tensor2D;
  /** M class numbers from 0. */
  readonly testLabels: ArrayLike<number>;
}

/** What a probe found. */
export interface ProbeResult {
  /** Share of the test samples that it predicted right. */
  readonly accuracy: number;
  /** Its prediction for each test sample. */
  readonly predictions: Int32Array;
}

/** Options of {@link knnProbe}. */
export interface KnnProbeOptions {
  /** Neighbours that vote. Default 5. */
  k?: number;
  /** The test samples are the training samples: none is its own neighbour. Default false. */
  excludeSelf?: boolean;
}

/** Checks that features and labels belong together. */
export function requireProbeData(owner: string, data: Omit<ProbeData, 'testLabels'>): void {
  const { trainFeatures, trainLabels, testFeatures } = data;
  const [count, width] = trainFeatures.shape;
  if (trainLabels.length !== count) throw argumentError(owner, 'trainLabels', `${count} classes`, trainLabels.length);
  if (testFeatures.shape[1] === width) return;
  throw argumentError(owner, 'testFeatures', `of shape [M, ${width}]`, testFeatures.shape);
}

/** Share of equal entries. */
export function accuracyOf(predictions: ArrayLike<number>, labels: ArrayLike<number>): number {
  let right = 0;
  for (let i = 0; i < labels.length; i++) right += Number(predictions[i] === labels[i]);
  return right / labels.length;
}

/** Test rows at a time: distances to all training rows are held at once. */
const ROWS = 256;

/** The votes of the k nearest neighbours for each test row. */
export async function knnPredict(
  owner: string,
  { trainFeatures, trainLabels, testFeatures }: Omit<ProbeData, 'testLabels'>,
  { k = 5, excludeSelf = false }: KnnProbeOptions,
): Promise<Int32Array> {
  const [count, width] = trainFeatures.shape;
  requireInteger(owner, 'k', k, 1, count - Number(excludeSelf));
  const predictions = new Int32Array(testFeatures.shape[0]);
  const asked = k + Number(excludeSelf);
  // Centred, so that less is lost where products are subtracted. The query's own length does not matter.
  const found = tidy(() => {
    const centre = mean(trainFeatures, 0);
    const known = sub(trainFeatures, centre) as Tensor2D;
    return { centre, known, lengths: sum(square(known), 1) };
  });
  try {
    for (let start = 0; start < predictions.length; start += ROWS) {
      const rows = Math.min(ROWS, predictions.length - start);
      const indices = tidy(() => {
        const queries = sub(slice(testFeatures, [start, 0], [rows, width]), found.centre) as Tensor2D;
        const nearness = sub(mul(matMul(queries, found.known, false, true), 2), found.lengths);
        return topk(nearness, asked).indices;
      });
      const neighbours = await indices.data();
      indices.dispose();
      for (let row = 0; row < rows; row++) {
        const mine = [...neighbours.slice(row * asked, (row + 1) * asked)];
        const others = excludeSelf ? mine.filter((i) => i !== start + row).slice(0, k) : mine;
        predictions[start + row] = vote(others.map((i) => trainLabels[i] as number));
      }
    }
  } finally {
    dispose(found);
  }
  return predictions;
}

/** The most frequent class; of several the smallest. */
function vote(classes: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const one of classes) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].reduce((best, one) =>
    one[1] > best[1] || (one[1] === best[1] && one[0] < best[0]) ? one : best,
  )[0];
}

/**
 * How well features tell classes apart, by a vote of the nearest training samples: Euclidean distance, the majority wins,
 * of equally many votes the smallest class.
 *
 * See {@link ProbeData} for shapes and types; returns accuracy and predictions. Nothing is trained, nothing is changed.
 *
 * Source: the probe of Baldock et al., "Deep Learning Through the Lens of Example Difficulty" (2021).
 *
 * @throws If shapes do not fit or `k` is not in 1 .. number of neighbours.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { knnProbe } from 'tfjs-llf';
 *
 * const [trainFeatures, testFeatures] = [tf.tensor2d([[0], [1], [9]]), tf.tensor2d([[8], [2]])];
 * const data = { trainFeatures, trainLabels: [0, 0, 1], testFeatures, testLabels: [1, 0] };
 * const { accuracy } = await knnProbe(data, { k: 1 }); // 1
 * ```
 */
export async function knnProbe(data: ProbeData, options: KnnProbeOptions = {}): Promise<ProbeResult> {
  requireProbeData('knnProbe', data);
  const predictions = await knnPredict('knnProbe', data, options);
  return { predictions, accuracy: accuracyOf(predictions, data.testLabels) };
}
