import { div, exp, logSoftmax, maximum, mul, neg, reshape, sub, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError } from '../core/checks.js';
import { withGradient } from '../ops/custom_gradient.js';

/**
 * Cross-entropy over the labelled pixels or cells, as a loss for `compile`: the mean over all that have a label, in the
 * batch as a whole.
 *
 * The returned function takes one-hot or soft targets and logits of one shape `[B, ..., C]`, as
 * {@link segmentationTargets} makes them, and returns a scalar in nats; a target of zeros is left out, and a batch without
 * labels has the loss 0. Gradients flow to the logits. One loss serves all outputs, weights 1, as in the paper.
 *
 * Source: the loss of Token Cropr's segmentation (torch's `cross_entropy` with `ignore_index`).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { segmentationLoss } from 'tfjs-llf';
 *
 * const target = tf.tensor3d([[[1, 0], [0, 0]]]); // the second pixel has no label
 * const loss = segmentationLoss()(target, tf.tensor3d([[[0, 0], [5, -5]]])).dataSync()[0] ?? 0;
 * if (Math.abs(loss - Math.LN2) > 1e-6) throw new Error('the first pixel alone counts');
 * ```
 */
export function segmentationLoss(): (target: Tensor, logits: Tensor) => Tensor {
  return (target, logits) => {
    const { shape } = logits;
    if (shape.join() !== target.shape.join())
      throw argumentError('segmentationLoss', 'target', `of the shape of the logits [${shape}]`, target.shape);
    const classes = shape[shape.length - 1] as number;
    return tidy(() => rowsLoss(reshape(target, [-1, classes]), reshape(logits, [-1, classes])));
  };
}

/** The mean over the rows `[rows, C]` whose target is not zero. */
function rowsLoss(target: Tensor, logits: Tensor): Tensor {
  return withGradient(
    [logits],
    (logits) => {
      const logShares = logSoftmax(logits);
      const weight = sum(target, 1, true);
      const count = maximum(sum(weight), 1);
      const value = neg(div(sum(mul(target, logShares)), count));
      return { value, saved: { shares: exp(logShares), weight, count, target } };
    },
    (dy, { shares, weight, count, target }) => [
      // The division comes last: on webgl it alone clears the border of a texture of odd width, which `exp` fills.
      div(mul(dy, sub(mul(shares, weight), target)), count),
    ],
  );
}
