import { Mean, Sum, util } from '@tensorflow/tfjs-core';
import { areFloats, inputOf, type WasmKernel } from './kernel.js';

/** `LLFColumnSums`: `x [rows, columns]` → `[columns]`, the gradient of a bias. */
const columnSums: WasmKernel = {
  name: 'LLFColumnSums',
  run: (call) => {
    const x = inputOf(call, 'x');
    if (!areFloats(x)) return undefined;
    const [rows = 0, columns = 0] = x.shape;
    const out = call.host.output([columns]);
    call.host.call('columnSums', call.host.pointer(x), call.host.pointer(out), rows, columns, 1);
    return out;
  },
};

/** A shape seen as `[outer, reduced, inner]`. */
interface Block {
  readonly outer: number;
  readonly reduced: number;
  readonly inner: number;
}

/** The reduced axes as one block of neighbours; undefined where an axis that stays lies between them. */
function blockOf(shape: readonly number[], axes: readonly number[]): Block | undefined {
  const real = axes.filter((axis) => shape[axis] !== 1);
  const first = real.length > 0 ? Math.min(...real) : 0;
  const end = real.length > 0 ? Math.max(...real) + 1 : 0;
  const block = shape.slice(first, end);
  if (block.some((size, i) => size !== 1 && !axes.includes(first + i))) return undefined;
  return {
    outer: util.sizeFromShape(shape.slice(0, first)),
    reduced: util.sizeFromShape(block),
    inner: util.sizeFromShape(shape.slice(end)),
  };
}

/** `Sum` and `Mean` over neighbouring axes: leading, trailing, between others, all. */
function reduction(name: string, divisorOf: (count: number) => number): WasmKernel {
  return {
    name,
    run: (call) => {
      const x = inputOf(call, 'x');
      const axes = util.parseAxisParam((call.attrs['axis'] ?? null) as number[], [...x.shape]);
      const block = blockOf(x.shape, axes);
      if (!areFloats(x) || !block) return undefined;
      const keepDims = call.attrs['keepDims'] === true;
      const shape = x.shape.flatMap((size, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [size]));
      const out = call.host.output(shape);
      const { outer, reduced, inner } = block;
      call.host.call(
        'blockSums',
        call.host.pointer(x),
        call.host.pointer(out),
        outer,
        reduced,
        inner,
        divisorOf(reduced),
      );
      return out;
    },
  };
}

export const reduceKernels: readonly WasmKernel[] = [
  columnSums,
  reduction(Sum, () => 1),
  // The mean of nothing is 0 on cpu.
  reduction(Mean, (count) => Math.max(count, 1)),
];
