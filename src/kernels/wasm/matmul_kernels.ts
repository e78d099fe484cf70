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

/** Axes of a broadcast batch: operands repeat where they have size 1, or no such axis. */
function batchAxes(
  outer: readonly number[],
  aOuter: readonly number[],
  bOuter: readonly number[],
  sizes: Sizes,
): BatchAxis[] {
  const { m, n, k } = sizes;
  const strides = (shape: readonly number[], matrix: number): number[] => {
    const missing = outer.length - shape.length;
    const own = stridesOf(shape);
    return outer.map((_, i) => (i < missing || shape[i - missing] === 1 ? 0 : (own[i - missing] ?? 0) * matrix));
  };
  const [a, b, c] = [strides(aOuter, m * k), strides(bOuter, k * n), stridesOf(outer)];
  return outer.map((size, i) => ({ size, a: a[i] ?? 0, b: b[i] ?? 0, c: (c[i] ?? 0) * m * n }));
}

interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** The product of two stacks of matrices, each transposed or not; nothing if they do not fit, so that stock complains. */
function productOf(call: KernelCall): { shape: number[]; layout: (out: TensorInfo) => Product } | undefined {
  const [a, b] = [inputOf(call, 'a'), inputOf(call, 'b')];
  const { transposeA, transposeB } = call.attrs as unknown as BatchMatMulAttrs;
  if (!areFloats(a, b) || a.shape.length < 2 || b.shape.length < 2) return undefined;
  const [aRows = 0, aColumns = 0] = a.shape.slice(-2);
  const [bRows = 0, bColumns = 0] = b.shape.slice(-2);
  const sizes = {
    m: transposeA ? aColumns : aRows,
    n: transposeB ? bRows : bColumns,
    k: transposeA ? aRows : aColumns,
  };
  if (sizes.k !== (transposeB ? bColumns : bRows)) return undefined;
  const [aOuter, bOuter] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const outer = broadcast_util.assertAndGetBroadcastShape(aOuter, bOuter);
  const { host } = call;
  return {
    shape: [...outer, sizes.m, sizes.n],
    layout: (out) => ({
      ...sizes,
      a: { pointer: host.pointer(a), row: transposeA ? 1 : aColumns, column: transposeA ? aColumns : 1 },
      b: { pointer: host.pointer(b), row: transposeB ? 1 : bColumns, column: transposeB ? bColumns : 1 },
      c: { pointer: host.pointer(out), row: sizes.n },
      batch: batchAxes(outer, aOuter, bOuter, sizes),
    }),
  };
}

/** `BatchMatMul` of every combination of transposes and batches. */
const batchMatMul: WasmKernel = {
  name: 'BatchMatMul',
  run: (call) => {
    const product = productOf(call);
    if (!product) return undefined;
    const out = call.host.output(product.shape);
    if (util.sizeFromShape(product.shape) > 0) multiply(call.host, product.layout(out));
    return out;
  },
};

/** Whether a tensor holds one number for each of the columns. */
function isRow({ shape }: TensorInfo, columns: number): boolean {
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

function activationOf(call: KernelCall): Activation | undefined {
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
    const product = productOf(call);
    const activation = activationOf(call);
    if (!product || !activation || !areFloats(bias, slopes) || product.shape.length !== 3) return undefined;
    const { shape } = product;
    const columns = shape[2] ?? 0;
    if (activation.kind === ACTIVATIONS['prelu'] && !(slopes && isRow(slopes, columns))) return undefined;
    const spread = bias && !isRow(bias, columns) ? biasShape(bias, shape) : undefined;
    if (bias && !isRow(bias, columns) && !spread) return undefined;
    const out = host.output(shape);
    if (util.sizeFromShape(shape) === 0) return out;
    if (bias && spread) spreadBias(host, bias, spread, out);
    const layout = product.layout(out);
    if (!bias) multiply(host, { ...layout, activation });
    else if (!spread) multiply(host, { ...layout, activation, start: { pointer: host.pointer(bias), row: 0 } });
    else {
      const batch = layout.batch.map((axis) => ({ ...axis, start: axis.c }));
      multiply(host, { ...layout, batch, activation, start: layout.c });
    }
    return out;
  },
};

export const matmulKernels: readonly WasmKernel[] = [batchMatMul, fusedMatMul];
