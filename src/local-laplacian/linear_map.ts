import type { Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from '../ops/custom_gradient.js';

/** A linear map as a differentiable operation: its gradient is the adjoint, and keeps nothing. */
export function linearMap(x: Tensor, map: (x: Tensor) => Tensor, adjoint: (dy: Tensor) => Tensor): Tensor {
  return withGradient(
    [x],
    (x) => ({ value: map(x), saved: {} }),
    (dy) => [adjoint(dy)],
  );
}
