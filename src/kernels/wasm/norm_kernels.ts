import { util } from '@tensorflow/tfjs-core';
import { areFloats, inputOf, type WasmKernel } from './kernel.js';

/** `LLFLayerNorm`: `x [..., D]`, `gamma [D]`, `beta [D]` → `y [..., D]`, mean and 1 / deviation `[..., 1]`. */
const layerNorm: WasmKernel = {
  name: 'LLFLayerNorm',
  run: (call) => {
    const { host, attrs } = call;
    const [x, gamma, beta] = [inputOf(call, 'x'), inputOf(call, 'gamma'), inputOf(call, 'beta')];
    if (!areFloats(x, gamma, beta)) return undefined;
    const [dim = 0] = gamma.shape;
    const one = [...x.shape.slice(0, -1), 1];
    const outputs = [host.output(x.shape), host.output(one), host.output(one)];
    const pointers = [x, gamma, beta, ...outputs].map((tensor) => host.pointer(tensor));
    if (dim > 0) host.call('layerNorm', ...pointers, util.sizeFromShape(one), dim, attrs['epsilon'] as number);
    return outputs;
  },
};

/** `LLFLayerNormGrad`: `x`, `dy`, `gamma`, and the mean and 1 / deviation of the forward pass → dx, dgamma, dbeta. */
const layerNormGrad: WasmKernel = {
  name: 'LLFLayerNormGrad',
  run: (call) => {
    const { host } = call;
    const inputs = ['x', 'dy', 'gamma', 'mean', 'inverse'].map((name) => inputOf(call, name));
    if (!areFloats(...inputs)) return undefined;
    const rows = util.sizeFromShape(inputOf(call, 'mean').shape);
    const [dim = 0] = inputOf(call, 'gamma').shape;
    const outputs = [host.output(inputOf(call, 'x').shape), host.output([dim]), host.output([dim])];
    const pointers = [...inputs, ...outputs].map((tensor) => host.pointer(tensor));
    host.withScratch(host.call('layerNormGradScratch'), (scratch) =>
      host.call('layerNormGrad', ...pointers, rows, dim, scratch),
    );
    return outputs;
  },
};

export const normKernels: readonly WasmKernel[] = [layerNorm, layerNormGrad];
