import { add, mul, relu, sigmoid, sub, type Tensor } from '@tensorflow/tfjs-core';
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

export { relu };
