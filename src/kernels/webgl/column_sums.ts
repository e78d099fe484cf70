import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { ProgramRun } from './backend.js';
import { packedProgram, type Shape3 } from './packed.js';

/** So many rows are added up by one place of the device, and many such sums by another. */
const BLOCK = 64;

/**
 * The sums of two texels over all rows of `[planes, rows, columns]`, each `[1, 1, columns]`. `first` and `second` say what
 * is added at `plane`, `row` and `c`; `code` stands before.
 */
export function columnSums(
  run: ProgramRun,
  [planes, rows, columns]: Shape3,
  names: string[],
  inputs: readonly TensorInfo[],
  code: string,
  first: string,
  second: string,
): TensorInfo[] {
  const perPlane = Math.ceil(rows / BLOCK);
  const blocks = planes * perPlane;
  const sums = `${code}
  vec4 sumsOf(int block, int c) {
    int plane = block / ${perPlane};
    int from = (block - plane * ${perPlane}) * ${BLOCK};
    vec4 sums = vec4(0.0);
    for (int i = 0; i < ${Math.min(BLOCK, rows)}; i += 2) {
      int row = from + i;
      if (row >= ${rows}) break;
      vec4 first = ${first};
      vec4 second = ${second};
      ${rows % 2 ? `if (row == ${rows - 1}) first.zw = second.zw = vec2(0.0);` : ''}
      sums += vec4(first.xy + first.zw, second.xy + second.zw);
    }
    return sums;
  }`;
  const parts = run.run(packedProgram(names, [blocks, 2, columns], 'sumsOf(b, c)', sums), inputs);
  return ['xy', 'zw'].map((half) => {
    const total = `
  vec4 totalOf(int c) {
    vec2 total = vec2(0.0);
    for (int i = 0; i < ${blocks}; i++) total += getParts(i, 0, c).${half};
    return vec4(total, 0.0, 0.0);
  }`;
    return run.run(packedProgram(['Parts'], [1, 1, columns], 'totalOf(c)', total), [parts]);
  });
}
