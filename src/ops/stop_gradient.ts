import { clone, customGrad, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';

/**
 * Returns `x` as a constant: what is computed from it sends no gradient back to `x`.
 *
 * tfjs has no such operation (https://github.com/tensorflow/tfjs/issues/967, #7438). The trick: a custom gradient on a
 * constant, whose forward returns `x` from the closure, so that `x` never enters the tape. (A custom gradient *on* `x`
 * that returns zeros would keep `x` on the tape, and rankings computed from it could then not be differentiated around.)
 */
export function stopGradient<T extends Tensor>(x: T): T {
  return tidy(() => {
    const offTape = customGrad(() => ({ value: clone(x), gradFunc: () => [] as Tensor[] }));
    return offTape(scalar(0)) as T;
  });
}
