import { add, erf, exp, maximum, mul, square, type Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from './custom_gradient.js';
import { runFused } from './fused.js';

const INVERSE_SQRT_2_PI = 1 / Math.sqrt(2 * Math.PI);
/** exp(-80) is the smallest density worth keeping: below it products become denormal, which costs 4x on WASM. */
const SMALLEST_EXPONENT = -80;

/** Exact GELU, `x · Φ(x)` with the normal distribution function Φ (not its tanh approximation), element by element. */
export function gelu(x: Tensor): Tensor {
  return withGradient<[Tensor], { x: Tensor; cdf?: Tensor }>(
    [x],
    (x) => {
      const [fused] = runFused('LLFGelu', { x });
      if (fused) return { value: fused, saved: { x } };
      const cdf = distribution(x);
      return { value: mul(x, cdf), saved: { x, cdf } };
    },
    (dy, { x, cdf }) => [runFused('LLFGeluGrad', { x, dy })[0] ?? mul(dy, slope(x, cdf ?? distribution(x)))],
  );
}

/** Φ, the normal distribution function. */
function distribution(x: Tensor): Tensor {
  return mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
}

/** Φ(x) + x · φ(x) with the normal density φ. */
function slope(x: Tensor, cdf: Tensor): Tensor {
  const density = mul(exp(maximum(mul(square(x), -0.5), SMALLEST_EXPONENT)), INVERSE_SQRT_2_PI);
  return add(cdf, mul(x, density));
}
