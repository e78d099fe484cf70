import { add, concat, reshape, type Tensor, tile, transpose } from '@tensorflow/tfjs-core';
import { linear } from '../ops/linear.js';

/** Weights of a patch embedding; the optional ones switch their part on. */
export interface PatchWeights {
  kernel: Tensor;
  bias: Tensor;
  classToken?: Tensor | undefined;
  positions?: Tensor | undefined;
}

/**
 * Cuts `image [B, H, W, C]` into flat patches `[B, P, patch · patch · C]`, row by row. One transpose of rank 4, since
 * higher ranks are slow on WASM.
 */
export function cutPatches(image: Tensor, patch: number): Tensor {
  const [batch, height, width, channels] = image.shape as [number, number, number, number];
  const [rows, columns] = [height / patch, width / patch];
  const strips = reshape(image, [batch * rows, patch, columns, patch * channels]);
  return reshape(transpose(strips, [0, 2, 1, 3]), [batch, rows * columns, patch * patch * channels]);
}

/** Tokens `[B, P (+ 1), D]` of `image [B, H, W, C]`, for a kernel `[patch, patch, C, D]`. */
export function embedPatches(image: Tensor, { kernel, bias, classToken, positions }: PatchWeights): Tensor {
  const [patch, , , dim] = kernel.shape as [number, number, number, number];
  const patches = linear(cutPatches(image, patch), reshape(kernel, [-1, dim]), bias);
  const batch = image.shape[0] as number;
  const tokens = classToken ? concat([tile(classToken, [batch, 1, 1]), patches], 1) : patches;
  return positions ? add(tokens, positions) : tokens;
}
