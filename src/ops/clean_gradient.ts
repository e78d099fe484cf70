import { clone, div, type Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from './custom_gradient.js';

/**
 * Passes logits on, and divides their gradient by 1, which changes no number.
 *
 * On webgl a matrix of odd width has a border in its texture. `exp`, and so the gradient of a softmax, fills it with ones;
 * `matMul` with an odd inner size adds it up, so that from the second step on a classifier with an odd number of classes
 * gets wrong gradients (no tfjs issue was found). Division is the one operation that clears the border.
 */
export function withCleanGradient(logits: Tensor): Tensor {
  return withGradient(
    [logits],
    (x) => ({ value: clone(x), saved: {} }),
    (dy) => [div(dy, 1)],
  );
}
