import { reshape, type Tensor, unstack } from '@tensorflow/tfjs-core';

/**
 * The parts of `x` along its first axis. The gradient of tfjs's `unstack` throws where there is only one (no issue was
 * found that says so).
 */
export function unstacked(x: Tensor): Tensor[] {
  const [count, ...rest] = x.shape;
  return count === 1 ? [reshape(x, rest)] : unstack(x);
}
