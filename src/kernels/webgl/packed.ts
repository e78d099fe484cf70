import {
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { type Program, ProgramRun, reshaped, type WebGLBackend } from './backend.js';

/** Planes, rows and columns: in a packed texture a texel holds two rows and two columns of a plane. */
export type Shape3 = readonly [planes: number, rows: number, columns: number];

/** A tensor by its last two axes; all others are planes. Its texture is the same. */
export function planesOf(x: TensorInfo): Shape3 {
  const [rows, columns] = [1, 1, ...x.shape].slice(-2) as [number, number];
  return [util.sizeFromShape(x.shape.slice(0, -2)), rows, columns];
}

export function inPlanes(x: TensorInfo): TensorInfo {
  return reshaped(x, planesOf(x));
}

/**
 * A program of packed textures. `value` is the texel at plane `b`, row `r` and column `c`, both even: what lies outside of
 * the output is set to 0, since products of tfjs add up the borders of matrices of odd size.
 */
export function packedProgram(variableNames: string[], shape: Shape3, value: string, code = ''): Program {
  const [, rows, columns] = shape;
  return {
    variableNames,
    outputShape: [...shape],
    packedInputs: true,
    packedOutput: true,
    userCode: `${code}
  void main() {
    ivec3 at = getOutputCoords();
    int b = at.x;
    int r = at.y;
    int c = at.z;
    vec4 value = ${value};
    ${columns % 2 ? `if (c == ${columns - 1}) value.yw = vec2(0.0);` : ''}
    ${rows % 2 ? `if (r == ${rows - 1}) value.zw = vec2(0.0);` : ''}
    setOutput(value);
  }`,
  };
}

/**
 * A loop over an axis of even or odd length, two places `i` and `i + 1` at a time; `last` stands after `load` where `i + 1`
 * is outside.
 */
export function loopCode(length: number, load: string, last: string, body: string): string {
  return `
    for (int i = 0; i < ${length}; i += 2) {
      ${load}
      ${length % 2 ? `if (i == ${length - 1}) { ${last} }` : ''}
      ${body}
    }`;
}

/** What a kernel of packed programs is called with: its inputs by name. */
export interface PackedCall {
  readonly run: ProgramRun;
  readonly attrs: NamedAttrMap;
  readonly inputs: NamedTensorInfoMap;
}

/** A kernel that computes with packed programs, or returns nothing where it cannot: the composed operations then do. */
export function packedKernel<Name extends string>(
  names: readonly Name[],
  compute: (inputs: Record<Name, TensorInfo>, call: PackedCall) => TensorInfo[] | undefined,
): KernelFunc {
  return ({ inputs, attrs = {}, backend }) => {
    const run = new ProgramRun(backend as WebGLBackend);
    const given = names.map((name) => {
      const input = inputs[name];
      if (!input) throw new Error(`accelerateWebgl: kernel must be given "${name}", received none.`);
      return [name, input] as const;
    });
    const named = Object.fromEntries(given) as Record<Name, TensorInfo>;
    return run.finish(compute(named, { run, attrs: attrs as NamedAttrMap, inputs }) ?? []);
  };
}
