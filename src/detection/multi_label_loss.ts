import { abs, add, div, exp, log, mean, mul, neg, relu, sigmoid, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError } from '../core/checks.js';
import { withGradient } from '../ops/custom_gradient.js';

/**
 * Binary cross-entropy of several labels at once: which classes are in the image? The cheap task of Cropr's auxiliary heads
 * where the network detects objects.
 *
 * Returns a loss for `compile`: targets in [0, 1] and logits of the same shape, `[B, K]` say, float32. It returns a scalar,
 * the mean over samples and classes, in nats. The gradient flows to the logits.
 *
 * Source: Token Cropr (CVPR 2025), detection. The paper's text as we have it leaves weight and reduction open.
 *
 * @throws In use, if targets and logits differ in shape.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { multiLabelLoss } from 'tfjs-llf';
 *
 * const loss = multiLabelLoss()(tf.tensor2d([[1, 0, 1]]), tf.zeros([1, 3]));
 * if (Math.abs(Number(loss.dataSync()[0]) - Math.LN2) > 1e-6) throw new Error('one bit per class');
 * ```
 */
export function multiLabelLoss(): (targets: Tensor, logits: Tensor) => Tensor {
  return (targets, logits) => {
    if (targets.shape.join() !== logits.shape.join())
      throw argumentError('multiLabelLoss', 'targets', `of the shape of the logits [${logits.shape}]`, targets.shape);
    return tidy(() =>
      withGradient(
        [logits],
        // log(1 + e^x) - x · y, without a large exponential.
        (x) => ({
          value: mean(add(sub(relu(x), mul(x, targets)), log(add(exp(neg(abs(x))), 1)))),
          saved: { x, targets },
        }),
        // The division comes last: see `withCleanGradient`.
        (dy, { x, targets }) => [div(mul(dy, sub(sigmoid(x), targets)), x.size)],
      ),
    );
  };
}
