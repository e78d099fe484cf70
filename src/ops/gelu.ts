import { add, erf, exp, maximum, mul, square, type Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from './custom_gradient.js';

const INVERSE_SQRT_2_PI = 1 / Math.sqrt(2 * Math.PI);
/** exp(-80) is the smallest density worth keeping: below it products become denormal, which costs 4x on WASM. */
const SMALLEST_EXPONENT = -80;

/** Exact GELU, `x · Φ(x)` with the normal distribution function Φ (not its tanh approximation), element by element. */
export function gelu(x: Tensor): Tensor {
  return withGradient(
    [x],
    (x) => {
      const cdf = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
      return { value: mul(x, cdf), saved: { x, cdf } };
    },
    (dy, { x, cdf }) => {
      const density = mul(exp(maximum(mul(square(x), -0.5), SMALLEST_EXPONENT)), INVERSE_SQRT_2_PI);
      return [mul(dy, add(cdf, mul(x, density)))];
    },
  );
}
