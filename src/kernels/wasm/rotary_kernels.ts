import { firstOutside } from './gather_kernels.js';
import { areFloats, inputOf, type WasmKernel } from './kernel.js';

/**
 * `LLFRotate`: packed queries, keys and values `x [B, M, 3D]`, a `table [cells, 2 · depth]` of sines and cosines, maybe
 * `ids [B, M]` int32, the rows of the table → x with queries and keys turned; attribute `back`: the other way round.
 */
const rotate: WasmKernel = {
  name: 'LLFRotate',
  run: (call) => {
    const { host, inputs, attrs } = call;
    const x = inputOf(call, 'x');
    const table = inputOf(call, 'table');
    const { ids } = inputs;
    if (!areFloats(x, table) || (ids && ids.dtype !== 'int32')) return undefined;
    const [batch = 0, tokens = 0, width = 0] = x.shape;
    const [cells = 0, angles = 0] = table.shape;
    const outside = ids ? firstOutside(host, ids, cells) : tokens > cells ? cells : undefined;
    if (outside !== undefined)
      throw new Error(`rotateQueriesAndKeys: ids must be in [0, ${cells - 1}], received ${outside}.`);
    const out = host.output(x.shape);
    const pointers = [host.pointer(x), host.pointer(table), ids ? host.pointer(ids) : 0, host.pointer(out)];
    host.call('turnRows', ...pointers, batch, tokens, width, (2 * width) / 3, angles / 2, attrs['back'] ? -1 : 1);
    return out;
  },
};

export const rotaryKernels: readonly WasmKernel[] = [rotate];
