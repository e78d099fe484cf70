import { fused, matMul, ones, reshape, type Tensor, type Tensor1D, tidy, transpose } from '@tensorflow/tfjs-core';
import { withGradient } from './custom_gradient.js';
import { hasFused, runFused } from './fused.js';

/** Sums a matrix `[rows, columns]` over its rows, as a product with ones: 7x faster than `sum(x, 0)` on WASM. */
export function columnSums(x: Tensor): Tensor1D {
  const [rows = 0, columns = 0] = x.shape;
  const [fast] = runFused('LLFColumnSums', { x });
  return (fast ?? tidy(() => reshape(matMul(ones([1, rows]), x), [columns]))) as Tensor1D;
}

/** Flattens all axes but the last: `[..., D]` → `[rows, D]`. */
export function toMatrix(x: Tensor): Tensor {
  const dim = x.shape[x.rank - 1] as number;
  return reshape(x, [x.size / dim, dim]);
}

/**
 * Affine map of the last axis: `x [..., D] · kernel [D, E] + bias [E]` → `[..., E]`.
 *
 * Gradients flow to `x`, `kernel` and `bias`. tfjs gives the kernel of a `[B, M, D] · [D, E]` product a gradient of the
 * wrong shape (https://github.com/tensorflow/tfjs/issues/8721), and its WASM backend multiplies 2-D matrices without
 * transposes ten times faster than anything else; hence one 2-D product each way, with explicit transposes unless the
 * kernels of `tfjs-llf/wasm` are installed, which take any product at one speed.
 */
export function linear(x: Tensor, kernel: Tensor, bias?: Tensor): Tensor {
  return tidy(() => {
    const product = affine(toMatrix(x), kernel, bias);
    return reshape(product, [...x.shape.slice(0, -1), kernel.shape[1] as number]);
  });
}

function affine(a: Tensor, w: Tensor, bias?: Tensor): Tensor {
  return withGradient<Tensor[], { a: Tensor; w: Tensor }>(
    bias ? [a, w, bias] : [a, w],
    () => ({ value: fused.matMul({ a, b: w, ...(bias && { bias }) }), saved: { a, w } }),
    (dy, saved) => [...productGradients(dy, saved), ...(bias ? [columnSums(dy)] : [])],
  );
}

function productGradients(dy: Tensor, { a, w }: { a: Tensor; w: Tensor }): Tensor[] {
  if (hasFused('LLFColumnSums')) return [matMul(dy, w, false, true), matMul(a, dy, true, false)];
  return [matMul(dy, transpose(w)), matMul(transpose(a), dy)];
}
