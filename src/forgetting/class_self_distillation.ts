import {
  add,
  concat,
  logSoftmax,
  mul,
  neg,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { argumentError, requireInteger, requireNumber } from '../core/checks.js';
import { randomStream } from '../core/random.js';
import { withCleanGradient } from '../ops/clean_gradient.js';
import { stopGradient } from '../ops/stop_gradient.js';

/** Options of {@link classSelfDistillation}. */
export interface ClassSelfDistillationConfig {
  /** Temperature of both softmaxes, positive. Default 4. */
  temperature?: number;
  /** Weight of the distillation term. Default 3. */
  weight?: number;
}

/**
 * Class-wise self-knowledge distillation (CS-KD), as a loss for `compile`: cross-entropy, and the divergence of a sample's
 * softened prediction from that of another sample of its class.
 *
 * The returned function takes targets and logits `[2B, K]`, float32: row i + B is the partner of row i, as {@link
 * pairByClass} orders them. It returns `[2B]`, of which `fit` takes the mean: that is the mean over B of `CE + weight *
 * temperature ** 2 * KL(softmax(partner / temperature) || softmax(logits / temperature))`. Gradients flow to the logits of
 * the first half only; the partners serve as targets. No label smoothing, as in the published recipe.
 *
 * Source: Yun et al., "Regularizing Class-wise Predictions via Self-knowledge Distillation" (2020); values as Fortuitous
 * Forgetting's code.
 *
 * @throws If an option is out of its range; in use, if targets and logits differ in shape or have an odd number of rows.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { classSelfDistillation, pairByClass } from 'tfjs-llf';
 *
 * const labels = [0, 1, 0, 1, 1, 0];
 * const order = tf.tensor1d(pairByClass(labels, 4, 7), 'int32');
 * const x = tf.gather(tf.randomNormal([6, 2]), order);
 * const y = tf.gather(tf.oneHot(labels, 2), order);
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2] })] });
 * model.compile({ optimizer: 'sgd', loss: classSelfDistillation() });
 * await model.fit(x, y, { batchSize: 4, shuffle: false, verbose: 0 });
 * ```
 */
export function classSelfDistillation({
  temperature = 4,
  weight = 3,
}: ClassSelfDistillationConfig = {}): (target: Tensor, logits: Tensor) => Tensor {
  const owner = 'classSelfDistillation';
  requireNumber(owner, 'temperature', temperature, Number.MIN_VALUE);
  requireNumber(owner, 'weight', weight, 0);
  return (target, logits) => {
    const [rows, classes] = logits.shape as [number, number];
    if (logits.rank !== 2 || rows % 2 === 1 || target.shape.join() !== logits.shape.join()) {
      throw argumentError(owner, 'target', `of the shape of the logits [${logits.shape}], [2B, K]`, target.shape);
    }
    return tidy(() => {
      const half = (x: Tensor, i: number): Tensor => slice(x, [(i * rows) / 2, 0], [rows / 2, classes]);
      const clean = withCleanGradient(logits);
      const [own, partner] = [half(clean, 0), stopGradient(half(clean, 1))];
      const crossEntropy = neg(sum(mul(half(target, 0), logSoftmax(own)), 1));
      const soft = (x: Tensor): Tensor => mul(x, 1 / temperature);
      const gap = sub(logSoftmax(soft(partner)), logSoftmax(soft(own)));
      const divergence = sum(mul(softmax(soft(partner)), gap), 1);
      // Twice, and zero for the partners: the mean over all rows is the mean over the first half.
      const loss = mul(add(crossEntropy, mul(divergence, weight * temperature ** 2)), 2);
      return concat([loss, zerosLike(loss)]);
    });
  };
}

/**
 * An order of samples in which every batch holds samples and, in its second half, a partner of the same class for each.
 *
 * Takes class labels, the batch size (even) and a seed; returns indices of samples, plain numbers. Each sample is in a
 * first half once, in random order; partners are drawn at random among the others of the class, or are the sample itself
 * if there is none. The last batch may be smaller. Use another seed in each epoch.
 *
 * @throws If `batchSize` is not an even number of at least 2.
 *
 * @example
 * ```ts
 * import { pairByClass } from 'tfjs-llf';
 *
 * console.log(pairByClass([0, 1, 0, 1], 4, 1).length); // 8: two batches of four
 * ```
 */
export function pairByClass(labels: ArrayLike<number>, batchSize: number, seed: number): Int32Array {
  const half = requireInteger('pairByClass', 'batchSize / 2', batchSize / 2, 1);
  const stream = randomStream(requireInteger('pairByClass', 'seed', seed), 'pairByClass');
  const members = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    members.set(label, [...(members.get(label) ?? []), i]);
  }
  const order = stream.permutation(labels.length);
  const paired: number[] = [];
  for (let start = 0; start < order.length; start += half) {
    const batch = [...order.slice(start, start + half)];
    const partners = batch.map((i) => {
      const others = (members.get(labels[i] as number) ?? []).filter((j) => j !== i);
      return others[stream.integer(others.length)] ?? i;
    });
    paired.push(...batch, ...partners);
  }
  return Int32Array.from(paired);
}
