import { backend_util, type ConcatAttrs, type SliceAttrs, slice_util, type Tensor, util } from '@tensorflow/tfjs-core';
import { inputOf, isPlain, type WasmKernel } from './kernel.js';
import { copyLayout, stridesOf } from './layout.js';

/** `Slice` of any rank, in one call instead of one from JavaScript for each row. */
const slice: WasmKernel = {
  name: 'Slice',
  run: (call) => {
    const x = inputOf(call, 'x');
    if (!isPlain(x)) return undefined;
    const { begin, size } = call.attrs as unknown as SliceAttrs;
    const [start = [], shape = []] = slice_util.parseSliceParams(x as Tensor, begin, size);
    slice_util.assertParamsValid(x as Tensor, start, shape);
    const from = stridesOf(x.shape);
    const to = stridesOf(shape);
    const first = slice_util.computeFlatOffset(start, from);
    const out = call.host.output(shape, x.dtype);
    const axes = shape.map((count, i) => ({ size: count, from: from[i] ?? 1, to: to[i] ?? 1 }));
    copyLayout(call.host, call.host.pointer(x) + 4 * first, call.host.pointer(out), axes);
    return out;
  },
};

/** `Concat` along any axis. */
const concat: WasmKernel = {
  name: 'Concat',
  run: ({ inputs, attrs, host }) => {
    const tensors = Object.values(inputs).flatMap((tensor) => tensor ?? []);
    const [head] = tensors;
    if (!head || !isPlain(head) || tensors.some(({ dtype }) => dtype !== head.dtype)) return undefined;
    const axis = util.parseAxisParam((attrs as unknown as ConcatAttrs).axis, head.shape)[0] ?? 0;
    const shapes = tensors.map(({ shape }) => shape);
    backend_util.assertParamsConsistent(shapes, axis);
    const shape = backend_util.computeOutShape(shapes, axis);
    const out = host.output(shape, head.dtype);
    const outer = util.sizeFromShape(shape.slice(0, axis));
    const toStep = util.sizeFromShape(shape.slice(axis));
    let place = host.pointer(out);
    for (const tensor of tensors) {
      const length = util.sizeFromShape(tensor.shape.slice(axis));
      if (outer > 0 && length > 0) host.call('copyRows', host.pointer(tensor), place, outer, length, toStep, length);
      place += 4 * length;
    }
    return out;
  },
};

export const sliceKernels: readonly WasmKernel[] = [slice, concat];
