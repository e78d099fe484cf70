import { clone, customGrad, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';

/**
 * Returns a tensor as a constant: what is computed from it sends no gradient back to it.
 *
 * **Input** any tensor. **Output** the same values, shape and dtype, a tensor of its own. **Gradients** none.
 *
 * tfjs has no such operation (https://github.com/tensorflow/tfjs/issues/967, #7438). The trick: a custom gradient on a
 * constant, whose forward returns `x` from the closure, so that `x` never enters the tape. (A custom gradient *on* `x`
 * that returns zeros would keep `x` on the tape, and rankings computed from it could then not be differentiated around.)
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { stopGradient } from 'tfjs-llf';
 *
 * // The second factor counts as a number: the slope of x * 3 is 3, that of x * x would be 6.
 * const slope = tf.grad((x) => tf.mul(x, stopGradient(x)))(tf.scalar(3));
 * if (slope.dataSync()[0] !== 3) throw new Error('the slope is 3');
 * ```
 */
export function stopGradient<T extends Tensor>(x: T): T {
  return tidy(() => {
    const offTape = customGrad(() => ({ value: clone(x), gradFunc: () => [] as Tensor[] }));
    return offTape(scalar(0)) as T;
  });
}
