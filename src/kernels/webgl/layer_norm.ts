import type { KernelFunc } from '@tensorflow/tfjs-core';
import { reshaped } from './backend.js';
import { columnSums } from './column_sums.js';
import { inPlanes, loopCode, packedKernel, packedProgram, planesOf, type Shape3 } from './packed.js';

/** One place of the device adds up a whole row: longer ones are better off with the composed operations. */
const LONGEST = 4096;

/** A function `name(b, r)`: the means of `term`, a texel at column `i`, over the rows `r` and `r + 1`. */
function meanCode(name: string, columns: number, term: string): string {
  return `
  vec2 ${name}(int b, int r) {
    vec2 sum = vec2(0.0);
    ${loopCode(columns, `vec4 term = ${term};`, 'term.yw = vec2(0.0);', 'sum += term.xz + term.yw;')}
    return sum / ${columns}.0;
  }
  vec4 ${name}Texel(int b, int r) {
    return vec4(${name}(b, r), 0.0, 0.0).xzyw;
  }`;
}

/** What comes out before `gamma` and `beta`. */
const NORMALIZED = `
  vec4 normalizedAt(int b, int r, int c) {
    return (getX(b, r, c) - getMean(b, r, 0).xxzz) * getInverse(b, r, 0).xxzz;
  }`;

/** `LLFLayerNorm`: `x [..., D]`, `gamma [D]`, `beta [D]` → `y [..., D]`, mean and 1 / deviation `[..., 1]`. */
export const layerNorm: KernelFunc = packedKernel(['x', 'gamma', 'beta'], ({ x, gamma, beta }, { run, attrs }) => {
  const shape = planesOf(x);
  const [planes, rows, columns] = shape;
  if (columns > LONGEST) return undefined;
  const single: Shape3 = [planes, rows, 1];
  const input = inPlanes(x);
  const average = meanCode('average', columns, 'getX(b, r, i)');
  const mean = run.run(packedProgram(['X'], single, 'averageTexel(b, r)', average), [input]);
  const square = '(getX(b, r, i) - getMean(b, r, 0).xxzz) * (getX(b, r, i) - getMean(b, r, 0).xxzz)';
  const deviation = `inversesqrt(varianceTexel(b, r) + ${Number(attrs['epsilon']).toExponential()})`;
  const variance = meanCode('variance', columns, square);
  const inverse = run.run(packedProgram(['X', 'Mean'], single, deviation, variance), [input, mean]);
  const value = 'normalizedAt(b, r, c) * getGamma(0, 0, c).xyxy + getBeta(0, 0, c).xyxy';
  const program = packedProgram(['X', 'Mean', 'Inverse', 'Gamma', 'Beta'], shape, value, NORMALIZED);
  const y = run.run(program, [input, mean, inverse, inPlanes(gamma), inPlanes(beta)]);
  const one = [...x.shape.slice(0, -1), 1];
  return [reshaped(y, x.shape), reshaped(mean, one), reshaped(inverse, one)];
});

/** `LLFLayerNormGrad`: `x`, `dy`, `gamma`, and the mean and 1 / deviation of the forward pass → dx, dgamma, dbeta. */
export const layerNormGrad: KernelFunc = packedKernel(['x', 'mean', 'inverse', 'dy', 'gamma'], (given, { run }) => {
  const shape = planesOf(given.x);
  const [planes, rows, columns] = shape;
  if (columns > LONGEST) return undefined;
  const inputs = [given.x, given.mean, given.inverse, given.dy].map(inPlanes);
  const names = ['X', 'Mean', 'Inverse', 'Dy'];
  const scaled = `${NORMALIZED}
  vec4 scaledAt(int b, int r, int c) {
    return getDy(b, r, c) * getGamma(0, 0, c).xyxy;
  }`;
  const direct = meanCode('direct', columns, 'scaledAt(b, r, i)');
  const along = meanCode('along', columns, 'scaledAt(b, r, i) * normalizedAt(b, r, i)');
  const withGamma = [...inputs, inPlanes(given.gamma)];
  const both = 'vec4(direct(b, r), along(b, r)).xzyw';
  const means = packedProgram([...names, 'Gamma'], [planes, rows, 2], both, scaled + direct + along);
  const moved = '(scaledAt(b, r, c) - means.xxzz - normalizedAt(b, r, c) * means.yyww) * getInverse(b, r, 0).xxzz';
  const dx = packedProgram(
    [...names, 'Gamma', 'Means'],
    shape,
    'movedAt(b, r, c)',
    `${scaled}
  vec4 movedAt(int b, int r, int c) {
    vec4 means = getMeans(b, r, 0);
    return ${moved};
  }`,
  );
  const sums = columnSums(
    run,
    shape,
    names,
    inputs,
    NORMALIZED,
    'normalizedAt(plane, row, c) * getDy(plane, row, c)',
    'getDy(plane, row, c)',
  );
  return [
    reshaped(run.run(dx, [...withGamma, run.run(means, withGamma)]), given.x.shape),
    ...sums.map((sum) => reshaped(sum, [columns])),
  ];
});
