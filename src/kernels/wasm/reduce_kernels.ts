import { areFloats, inputOf, type WasmKernel } from './kernel.js';

/** `LLFColumnSums`: `x [rows, columns]` → `[columns]`, the gradient of a bias. */
const columnSums: WasmKernel = {
  name: 'LLFColumnSums',
  run: (call) => {
    const x = inputOf(call, 'x');
    if (!areFloats(x)) return undefined;
    const [rows = 0, columns = 0] = x.shape;
    const out = call.host.output([columns]);
    call.host.call('columnSums', call.host.pointer(x), call.host.pointer(out), rows, columns);
    return out;
  },
};

export const reduceKernels: readonly WasmKernel[] = [columnSums];
