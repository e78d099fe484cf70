import { type FusedBatchNormAttrs, util } from '@tensorflow/tfjs-core';
import { areFloats, inputOf, type WasmKernel } from './kernel.js';

/** `FusedBatchNorm` over the last axis. */
const batchNorm: WasmKernel = {
  name: 'FusedBatchNorm',
  run: (call) => {
    const { inputs, host } = call;
    const x = inputOf(call, 'x');
    const mean = inputOf(call, 'mean');
    const variance = inputOf(call, 'variance');
    const { offset, scale } = inputs;
    const channels = x.shape[x.shape.length - 1] ?? 1;
    const perChannel = [mean, variance, offset, scale].flatMap((tensor) => tensor ?? []);
    if (!areFloats(x, ...perChannel) || perChannel.some(({ shape }) => util.sizeFromShape(shape) !== channels))
      return undefined;
    const { varianceEpsilon } = call.attrs as unknown as FusedBatchNormAttrs;
    return host.withScratch(8 * channels, (scratch) => {
      const out = host.output(x.shape);
      const pointers = [x, out, mean, variance].map((tensor) => host.pointer(tensor));
      const affine = [offset, scale].map((tensor) => (tensor ? host.pointer(tensor) : 0));
      const size = util.sizeFromShape(x.shape);
      if (size > 0) host.call('batchNorm', ...pointers, ...affine, varianceEpsilon, size / channels, channels, scratch);
      return out;
    });
  },
};

export const batchNormKernels: readonly WasmKernel[] = [batchNorm];
