import {
  type _FusedMatMulAttrs,
  type BatchMatMulAttrs,
  broadcast_util,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { KernelHost } from './host.js';
import { areFloats, inputOf, type KernelCall, type WasmKernel } from './kernel.js';
import { copyLayout, stridesOf } from './layout.js';
import { type Activation, type BatchAxis, multiply, type Product } from './product.js';

/** The fused activations by their numbers in the compiled kernels. */
const ACTIVATIONS: Readonly<Record<string, number>> = {
  linear: 0,
  relu: 1,
  relu6: 2,
  leakyrelu: 3,
  prelu: 4,
  sigmoid: 5,
  elu: 6,
};

interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Floats between the matrices of an operand along each axis of the batch: 0 where it has size 1, or no such axis. */
function batchStrides(outer: readonly number[], shape: readonly number[], matrix: number): number[] {
  const own = stridesOf(shape);
  const missing = outer.length - shape.length;
  return outer.map((_, i) => (i < missing || shape[i - missing] === 1 ? 0 : (own[i - missing] ?? 0) * matrix));
}

function batchAxes(
  outer: readonly number[],
  aOuter: readonly number[],
  bOuter: readonly number[],
  { m, n, k }: Sizes,
): BatchAxis[] {
  const [a, b, c] = [batchStrides(outer, aOuter, m * k), batchStrides(outer, bOuter, k * n), stridesOf(outer)];
  return outer.map((size, i) => ({ size, a: a[i] ?? 0, b: b[i] ?? 0, c: (c[i] ?? 0) * m * n }));
}

/** A product that waits for the place of its result. */
interface OpenProduct {
  readonly shape: number[];
  readonly product: Omit<Product, 'c'>;
}

/** The product of two stacks of matrices, each transposed or not; nothing if they do not fit, so that stock complains. */
function productOf(call: KernelCall): OpenProduct | undefined {
  const [a, b] = [inputOf(call, 'a'), inputOf(call, 'b')];
  const { transposeA, transposeB } = call.attrs as unknown as BatchMatMulAttrs;
  if (!areFloats(a, b) || a.shape.length < 2 || b.shape.length < 2) return undefined;
  const [aRows = 0, aColumns = 0] = a.shape.slice(-2);
  const [bRows = 0, bColumns = 0] = b.shape.slice(-2);
  const m = transposeA ? aColumns : aRows;
  const n = transposeB ? bRows : bColumns;
  const k = transposeA ? aRows : aColumns;
  if (k !== (transposeB ? bColumns : bRows)) return undefined;
  const [aOuter, bOuter] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const outer = broadcast_util.assertAndGetBroadcastShape(aOuter, bOuter);
  return {
    shape: [...outer, m, n],
    product: {
      m,
      n,
      k,
      a: { pointer: call.host.pointer(a), row: transposeA ? 1 : aColumns, column: transposeA ? aColumns : 1 },
      b: { pointer: call.host.pointer(b), row: transposeB ? 1 : bColumns, column: transposeB ? bColumns : 1 },
      batch: outer.length === 0 ? [] : batchAxes(outer, aOuter, bOuter, { m, n, k }),
    },
  };
}

/** The finished product: its result fills a tensor. */
function into(host: KernelHost, out: TensorInfo, { product }: OpenProduct): Product {
  return { ...product, c: { pointer: host.pointer(out), row: product.n } };
}

/** `BatchMatMul` of every combination of transposes and batches. */
const batchMatMul: WasmKernel = {
  name: 'BatchMatMul',
  run: (call) => {
    const open = productOf(call);
    if (!open) return undefined;
    const out = call.host.output(open.shape);
    if (util.sizeFromShape(open.shape) > 0) multiply(call.host, into(call.host, out, open));
    return out;
  },
};

/** Whether a tensor holds one number for each of the columns. */
export function isRow({ shape }: TensorInfo, columns: number): boolean {
  return shape[shape.length - 1] === columns && util.sizeFromShape(shape) === columns;
}

/** Shape of a bias as `[batch, rows, columns]`, if the product's shape is a repetition of it. */
function biasShape(
  bias: TensorInfo,
  [batch = 1, m = 1, n = 1]: readonly number[],
): [number, number, number] | undefined {
  const [rows = 1, columns = 1] = [1, 1, ...bias.shape].slice(-2);
  const outer = bias.shape.slice(0, -2);
  const count = util.sizeFromShape(outer);
  // A batch of several axes was flattened before it came here: the bias must have its last one only, or all.
  const repeats =
    outer.slice(outer.findIndex((size) => size !== 1)).length <= 1 ? batch % count === 0 : count === batch;
  const fits = (count === 1 || repeats) && (rows === 1 || rows === m) && (columns === 1 || columns === n);
  return fits ? [count, rows, columns] : undefined;
}

/** Writes a bias that is no row into the output, where the sums start from it. */
function spreadBias(host: KernelHost, bias: TensorInfo, own: readonly number[], out: TensorInfo): void {
  const [batch = 1, m = 1, n = 1] = out.shape;
  const [count = 1, rows = 1, columns = 1] = own;
  const axes = [
    { size: batch / count, from: 0, to: count * m * n },
    { size: count, from: rows * columns, to: m * n },
    { size: m, from: rows === 1 ? 0 : columns, to: n },
    { size: n, from: columns === 1 ? 0 : 1, to: 1 },
  ];
  copyLayout(host, host.pointer(bias), host.pointer(out), axes);
}

/** The fused activation of a call; nothing if the kernels do not have it. */
export function activationOf(call: KernelCall): Activation | undefined {
  const { activation, leakyreluAlpha } = call.attrs as unknown as _FusedMatMulAttrs;
  const kind = ACTIVATIONS[activation];
  const slopes = call.inputs['preluActivationWeights'];
  if (kind === undefined) return undefined;
  return { kind, alpha: leakyreluAlpha ?? 0, slopes: slopes ? call.host.pointer(slopes) : 0 };
}

/** `_FusedMatMul`: a product with a bias of any shape and an activation. */
const fusedMatMul: WasmKernel = {
  name: '_FusedMatMul',
  run: (call) => {
    const { bias, preluActivationWeights: slopes } = call.inputs;
    const { host } = call;
    const open = productOf(call);
    const activation = activationOf(call);
    if (!open || !activation || !areFloats(bias, slopes) || open.shape.length !== 3) return undefined;
    const { shape } = open;
    const columns = shape[2] ?? 0;
    if (activation.kind === ACTIVATIONS['prelu'] && !(slopes && isRow(slopes, columns))) return undefined;
    const spread = bias && !isRow(bias, columns) ? biasShape(bias, shape) : undefined;
    if (bias && !isRow(bias, columns) && !spread) return undefined;
    const out = host.output(shape);
    if (util.sizeFromShape(shape) === 0) return out;
    if (bias && spread) spreadBias(host, bias, spread, out);
    const layout = { ...into(host, out, open), activation };
    if (!bias) multiply(host, layout);
    else if (!spread) multiply(host, { ...layout, start: { pointer: host.pointer(bias), row: 0 } });
    else {
      const batch = layout.batch.map((axis) => ({ ...axis, start: axis.c }));
      multiply(host, { ...layout, batch, start: layout.c });
    }
    return out;
  },
};

export const matmulKernels: readonly WasmKernel[] = [batchMatMul, fusedMatMul];
