import type { KernelFunc } from '@tensorflow/tfjs-core';
import { reshaped } from './backend.js';
import { inPlanes, packedKernel, packedProgram, planesOf } from './packed.js';

/** Φ, the normal distribution function, within 1e-7: Abramowitz and Stegun 7.1.26, as the other backends compute `erf`. */
const DISTRIBUTION = `
  vec4 bellOf(vec4 x) {
    return exp(max(-0.5 * x * x, vec4(-80.0)));
  }
  vec4 distributionOf(vec4 x) {
    vec4 t = 1.0 / (1.0 + ${0.3275911 * Math.SQRT1_2} * abs(x));
    vec4 sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    vec4 tail = 0.5 * sum * bellOf(x);
    return mix(tail, 1.0 - tail, step(0.0, x));
  }`;

/** `LLFGelu`: `x` → `x · Φ(x)`. */
export const gelu: KernelFunc = packedKernel(['x'], ({ x }, { run }) => {
  const value = 'getX(b, r, c) * distributionOf(getX(b, r, c))';
  return [reshaped(run.run(packedProgram(['X'], planesOf(x), value, DISTRIBUTION), [inPlanes(x)]), x.shape)];
});

/** `LLFGeluGrad`: `dy · (Φ(x) + x · φ(x))` with the normal density φ. */
export const geluGrad: KernelFunc = packedKernel(['x', 'dy'], ({ x, dy }, { run }) => {
  const code = `${DISTRIBUTION}
  vec4 slopeOf(vec4 x) {
    return distributionOf(x) + ${1 / Math.sqrt(2 * Math.PI)} * x * bellOf(x);
  }`;
  const program = packedProgram(['X', 'Dy'], planesOf(x), 'getDy(b, r, c) * slopeOf(getX(b, r, c))', code);
  return [reshaped(run.run(program, [x, dy].map(inPlanes)), x.shape)];
});
