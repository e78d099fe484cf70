import type { TransposeAttrs } from '@tensorflow/tfjs-core';
import { inputOf, isPlain, type WasmKernel } from './kernel.js';
import { copyLayout, mergeAxes, stridesOf } from './layout.js';

/** `Transpose` of any rank. */
const transpose: WasmKernel = {
  name: 'Transpose',
  run: (call) => {
    const x = inputOf(call, 'x');
    if (!isPlain(x)) return undefined;
    const { perm } = call.attrs as unknown as TransposeAttrs;
    const shape = perm.map((axis) => x.shape[axis] ?? 1);
    const from = stridesOf(x.shape);
    const to = stridesOf(shape);
    const axes = perm.map((axis, i) => ({ size: shape[i] ?? 1, from: from[axis] ?? 1, to: to[i] ?? 1 }));
    if (mergeAxes(axes).length <= 1) return call.host.share(x, shape);
    const out = call.host.output(shape, x.dtype);
    copyLayout(call.host, call.host.pointer(x), call.host.pointer(out), axes);
    return out;
  },
};

/** `Identity`: shares the values, where stock copies them; the tape makes many clones. */
const identity: WasmKernel = {
  name: 'Identity',
  run: (call) => {
    const x = inputOf(call, 'x');
    return x.dtype === 'string' ? undefined : call.host.share(x, x.shape);
  },
};

export const transposeKernels: readonly WasmKernel[] = [transpose, identity];
