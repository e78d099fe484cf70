import { add, clipByValue, exp, mul, relu, sigmoid, sub, type Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from '../ops/custom_gradient.js';

/** A function applied number by number. */
export type Activation = (x: Tensor) => Tensor;

/** SiLU (Swish), `x · sigmoid(x)`, with its gradient by hand: tfjs composes the same from twice the steps. */
export const silu: Activation = (x) =>
  withGradient(
    [x],
    (x) => {
      const gate = sigmoid(x);
      const value = mul(x, gate);
      return { value, saved: { gate, value } };
    },
    (dy, { gate, value }) => [mul(dy, add(gate, mul(value, sub(1, gate))))],
  );

/** Largest absolute exponent, so that features far from those of training still give finite samples. */
const LIMIT = 8;

/** `exp(x)` for x within ±8, and there beyond; its gradient is everywhere dy times the value, which leads back inside. */
export const boundedExp: Activation = (x) =>
  withGradient(
    [x],
    (x) => {
      const value = exp(clipByValue(x, -LIMIT, LIMIT));
      return { value, saved: { value } };
    },
    (dy, { value }) => [mul(dy, value)],
  );

export { relu };
