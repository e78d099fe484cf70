import { add, cast, logSoftmax, mean, mul, neg, reshape, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireNumber } from '../core/checks.js';
import { withCleanGradient } from '../ops/clean_gradient.js';

/** Options of {@link crossEntropy}. */
export interface CrossEntropyConfig {
  /** Share s of the target that is spread evenly over all classes, in [0, 1]. Default 0. */
  labelSmoothing?: number;
}

/**
 * Cross-entropy between target distributions and logits, with label smoothing, as a loss for `compile`.
 *
 * The returned function takes targets and logits of the same shape `[B, K]`, or `[B, ..., K]` as the aux heads with
 * several queries give, float32; targets are one-hot or soft (mixup), logits unbounded. It returns `[B]`, the mean over
 * the dimensions between, in nats; `fit` takes the mean over B, and class weights apply per sample. The target becomes
 * `(1 - s) * target + s / K`. Gradients flow to the logits, and to the targets.
 *
 * Given once in `compile({loss})` it serves every output. A model that was saved with its optimizer must be compiled
 * again after loading: tfjs cannot save a loss function.
 *
 * Source: Szegedy et al., "Rethinking the Inception Architecture" (2016), section 7; same numbers as torch's
 * `cross_entropy(label_smoothing=s)`.
 *
 * @throws If `labelSmoothing` is not in [0, 1]; in use, if targets and logits differ in shape or have rank 1.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { crossEntropy } from 'tfjs-llf';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [2] })] });
 * model.compile({ optimizer: 'adam', loss: crossEntropy({ labelSmoothing: 0.1 }) });
 * await model.fit(tf.ones([8, 2]), tf.oneHot(tf.zeros([8], 'int32'), 3), { verbose: 0 });
 * ```
 */
export function crossEntropy({
  labelSmoothing = 0,
}: CrossEntropyConfig = {}): (target: Tensor, logits: Tensor) => Tensor {
  const smoothing = requireNumber('crossEntropy', 'labelSmoothing', labelSmoothing, 0, 1);
  return (target, logits) => {
    const { shape } = logits;
    if (shape.length < 2 || shape.join() !== target.shape.join()) {
      throw argumentError(
        'crossEntropy',
        'target',
        `of the shape of the logits [${shape}], rank 2 or more`,
        target.shape,
      );
    }
    return tidy(() => {
      const classes = shape[shape.length - 1] as number;
      const floatTarget = target.dtype === 'float32' ? target : cast(target, 'float32');
      const smooth = smoothing === 0 ? floatTarget : add(mul(floatTarget, 1 - smoothing), smoothing / classes);
      const perRow = neg(sum(mul(smooth, logSoftmax(withCleanGradient(logits))), -1));
      return shape.length === 2 ? perRow : mean(reshape(perRow, [shape[0] as number, -1]), 1);
    });
  };
}
