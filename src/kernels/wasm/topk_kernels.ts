import { type TopKAttrs, util } from '@tensorflow/tfjs-core';
import { areFloats, inputOf, type WasmKernel } from './kernel.js';

/** `TopK` of rows without NaN, in falling order; of equal numbers the first comes first. */
const topk: WasmKernel = {
  name: 'TopK',
  run: (call) => {
    const { host } = call;
    const x = inputOf(call, 'x');
    if (!areFloats(x)) return undefined;
    const size = util.sizeFromShape(x.shape);
    if (size > 0 && host.call('hasNaN', host.pointer(x), size)) return undefined;
    const { k } = call.attrs as unknown as TopKAttrs;
    const columns = x.shape[x.shape.length - 1] ?? 0;
    const shape = [...x.shape.slice(0, -1), k];
    return host.withScratch(host.call('largestScratch', columns), (scratch) => {
      const values = host.output(shape);
      const indices = host.output(shape, 'int32');
      const [from, to, places] = [x, values, indices].map((tensor) => host.pointer(tensor)) as [number, number, number];
      if (k > 0 && size > 0) host.call('largest', from, to, places, size / columns, columns, k, scratch);
      return [values, indices];
    });
  },
};

export const topkKernels: readonly WasmKernel[] = [topk];
