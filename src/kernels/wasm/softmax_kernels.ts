import { areFloats, inputOf, type WasmKernel } from './kernel.js';

/** `Softmax`: over the last axis, the only one that tfjs asks for. */
const softmax: WasmKernel = {
  name: 'Softmax',
  run: (call) => {
    const logits = inputOf(call, 'logits');
    if (!areFloats(logits)) return undefined;
    const { shape } = logits;
    const columns = shape[shape.length - 1] ?? 1;
    const size = shape.reduce((product, length) => product * length, 1);
    const out = call.host.output(shape);
    if (size > 0) call.host.call('softmax', call.host.pointer(logits), call.host.pointer(out), size / columns, columns);
    return out;
  },
};

export const softmaxKernels: readonly WasmKernel[] = [softmax];
