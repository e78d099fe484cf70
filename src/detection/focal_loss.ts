import { abs, add, div, exp, log, mul, neg, pow, relu, sigmoid, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from '../ops/custom_gradient.js';

/** log(1 + e^x), without a large exponential. */
function softplus(x: Tensor): Tensor {
  return add(relu(x), log(add(exp(neg(abs(x))), 1)));
}

/**
 * Focal loss of logits for targets 0 or 1 of the same shape, summed up: cross-entropy times `(1 - p)^gamma` of the
 * probability p of what is true, and times `alpha` for the ones, `1 - alpha` for the zeros. A scalar.
 *
 * The gradient flows to the logits.
 *
 * Source: Lin et al., "Focal Loss for Dense Object Detection" (2017).
 */
export function focalLoss(logits: Tensor, targets: Tensor, alpha: number, gamma: number): Tensor {
  return withGradient(
    [logits],
    (x) => {
      const sign = sub(mul(targets, 2), 1);
      const surprise = neg(mul(x, sign)); // the logit of what is not true
      const wrong = sigmoid(surprise);
      const balance = add(mul(targets, 2 * alpha - 1), 1 - alpha);
      const weight = mul(balance, pow(wrong, gamma));
      const entropy = softplus(surprise);
      return { value: sum(mul(weight, entropy)), saved: { sign, wrong, weight, entropy } };
    },
    (dy, { sign, wrong, weight, entropy }) => {
      const slope = mul(weight, add(mul(mul(entropy, sub(1, wrong)), gamma), wrong));
      // The division comes last: see `withCleanGradient`.
      return [div(mul(neg(mul(slope, sign)), dy), 1)];
    },
  );
}

/** Cross-entropy of logits for targets in [0, 1], weighted and summed up; all of one shape. The gradient flows to the logits. */
export function weightedLogisticLoss(logits: Tensor, targets: Tensor, weights: Tensor): Tensor {
  return withGradient(
    [logits],
    (x) => ({
      value: sum(mul(weights, sub(softplus(x), mul(x, targets)))),
      saved: { x, targets, weights },
    }),
    (dy, { x, targets, weights }) => [div(mul(mul(weights, sub(sigmoid(x), targets)), dy), 1)],
  );
}
