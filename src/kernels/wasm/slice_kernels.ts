import {
  backend_util,
  type ConcatAttrs,
  type SliceAttrs,
  type SplitVAttrs,
  slice_util,
  type Tensor,
  type TensorInfo,
  type UnpackAttrs,
  util,
} from '@tensorflow/tfjs-core';
import type { KernelHost } from './host.js';
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

/** `SplitV`: stock reads the whole tensor again for each part. */
const split: WasmKernel = {
  name: 'SplitV',
  run: (call) => {
    const x = inputOf(call, 'x');
    if (!isPlain(x)) return undefined;
    const { numOrSizeSplits, axis } = call.attrs as unknown as SplitVAttrs;
    const along = util.parseAxisParam(axis, x.shape)[0] ?? 0;
    const sizes = backend_util.prepareSplitSize(x as Tensor, numOrSizeSplits, along);
    return parts(call.host, x, along, sizes, (size) => x.shape.map((whole, i) => (i === along ? size : whole)));
  },
};

/** `Unpack`: the parts of size 1 without their axis, as a recurrent layer takes its steps. */
const unpack: WasmKernel = {
  name: 'Unpack',
  run: (call) => {
    const x = inputOf(call, 'value');
    if (!isPlain(x)) return undefined;
    const along = util.parseAxisParam((call.attrs as unknown as UnpackAttrs).axis, x.shape)[0] ?? 0;
    const sizes = new Array<number>(x.shape[along] ?? 0).fill(1);
    return parts(call.host, x, along, sizes, () => x.shape.filter((_, i) => i !== along));
  },
};

/** Copies of the parts of some sizes, one after another along an axis. */
function parts(
  host: KernelHost,
  x: TensorInfo,
  axis: number,
  sizes: readonly number[],
  shapeOf: (size: number) => number[],
): TensorInfo[] {
  const outer = util.sizeFromShape(x.shape.slice(0, axis));
  const inner = util.sizeFromShape(x.shape.slice(axis + 1));
  const fromStep = (x.shape[axis] ?? 1) * inner;
  let place = host.pointer(x);
  return sizes.map((size) => {
    const out = host.output(shapeOf(size), x.dtype);
    const length = size * inner;
    if (outer * length > 0) host.call('copyRows', place, host.pointer(out), outer, fromStep, length, length);
    place += 4 * length;
    return out;
  });
}

export const sliceKernels: readonly WasmKernel[] = [slice, concat, split, unpack];
