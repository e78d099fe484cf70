import { add, mean, mul, reshape, rsqrt, square, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { withGradient } from './custom_gradient.js';
import { columnSums, toMatrix } from './linear.js';

/**
 * Layer normalisation of the last axis: `(x - mean) / sqrt(variance + epsilon) · gamma + beta`.
 *
 * `x [..., D]`, `gamma [D]`, `beta [D]`; gradients flow to all three. Written by hand because the composed gradient of
 * tfjs walks the tokens eleven times.
 */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  return tidy(() => reshape(normalize(toMatrix(x), gamma, beta, epsilon), x.shape));
}

function normalize(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  return withGradient(
    [x, gamma, beta],
    (x, gamma, beta) => {
      const centred = sub(x, mean(x, -1, true));
      const inverse = rsqrt(add(mean(square(centred), -1, true), epsilon));
      const normalized = mul(centred, inverse);
      return { value: add(mul(normalized, gamma), beta), saved: { normalized, inverse, gamma } };
    },
    (dy, { normalized, inverse, gamma }) => {
      const scaled = mul(dy, gamma);
      const along = mul(normalized, mean(mul(scaled, normalized), -1, true));
      const dx = mul(inverse, sub(sub(scaled, mean(scaled, -1, true)), along));
      return [dx, columnSums(mul(dy, normalized)), columnSums(dy)];
    },
  );
}
