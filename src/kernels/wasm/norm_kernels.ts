import { areFloats, inputOf, type WasmKernel } from './kernel.js';

/** `LLFLayerNorm`: `x [rows, D]`, `gamma [D]`, `beta [D]` → `y [rows, D]`, mean and 1 / deviation `[rows, 1]`. */
const layerNorm: WasmKernel = {
  name: 'LLFLayerNorm',
  run: (call) => {
    const { host, attrs } = call;
    const [x, gamma, beta] = [inputOf(call, 'x'), inputOf(call, 'gamma'), inputOf(call, 'beta')];
    if (!areFloats(x, gamma, beta)) return undefined;
    const [rows = 0, dim = 0] = x.shape;
    const outputs = [host.output([rows, dim]), host.output([rows, 1]), host.output([rows, 1])];
    const pointers = [x, gamma, beta, ...outputs].map((tensor) => host.pointer(tensor));
    if (dim > 0) host.call('layerNorm', ...pointers, rows, dim, attrs['epsilon'] as number);
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
    const [rows = 0, dim = 0] = inputOf(call, 'x').shape;
    const outputs = [host.output([rows, dim]), host.output([dim]), host.output([dim])];
    const pointers = [...inputs, ...outputs].map((tensor) => host.pointer(tensor));
    host.withScratch(host.call('layerNormGradScratch'), (scratch) =>
      host.call('layerNormGrad', ...pointers, rows, dim, scratch),
    );
    return outputs;
  },
};

export const normKernels: readonly WasmKernel[] = [layerNorm, layerNormGrad];
