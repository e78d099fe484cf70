import { add, mean, mul, rsqrt, square, sub, type Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from './custom_gradient.js';
import { runFused } from './fused.js';
import { columnSums, toMatrix } from './linear.js';

/** The mean and 1 / deviation of each row, `[..., 1]`, and the normalised rows where no kernel makes them again. */
type Kept = { x: Tensor; gamma: Tensor; mean: Tensor; inverse: Tensor; normalized?: Tensor };

/**
 * Layer normalisation of the last axis: `(x - mean) / sqrt(variance + epsilon) · gamma + beta`.
 *
 * `x [..., D]`, `gamma [D]`, `beta [D]`; gradients flow to all three. Written by hand because the composed gradient of
 * tfjs walks the tokens eleven times.
 */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  return withGradient<[Tensor, Tensor, Tensor], Kept>(
    [x, gamma, beta],
    (x, gamma, beta) => fused(x, gamma, beta, epsilon) ?? composed(x, gamma, beta, epsilon),
    (dy, { normalized, ...kept }) => {
      if (normalized) return gradients(dy, normalized, kept);
      const fast = runFused('LLFLayerNormGrad', { ...kept, dy });
      return fast.length > 0 ? fast : gradients(dy, mul(sub(kept.x, kept.mean), kept.inverse), kept);
    },
  );
}

function fused(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): { value: Tensor; saved: Kept } | undefined {
  const [value, mean, inverse] = runFused('LLFLayerNorm', { x, gamma, beta }, { epsilon });
  return value && mean && inverse && { value, saved: { x, gamma, mean, inverse } };
}

function composed(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): { value: Tensor; saved: Kept } {
  const average = mean(x, -1, true);
  const centred = sub(x, average);
  const inverse = rsqrt(add(mean(square(centred), -1, true), epsilon));
  const normalized = mul(centred, inverse);
  return { value: add(mul(normalized, gamma), beta), saved: { x, gamma, mean: average, inverse, normalized } };
}

function gradients(dy: Tensor, normalized: Tensor, { gamma, inverse }: Kept): Tensor[] {
  const scaled = mul(dy, gamma);
  const along = mul(normalized, mean(mul(scaled, normalized), -1, true));
  const dx = mul(inverse, sub(sub(scaled, mean(scaled, -1, true)), along));
  return [dx, columnSums(toMatrix(mul(dy, normalized))), columnSums(toMatrix(dy))];
}
