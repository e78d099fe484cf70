import { matMul, mul, reshape, softmax, squeeze, type Tensor, transpose } from '@tensorflow/tfjs-core';
import { gelu } from '../ops/gelu.js';
import { layerNorm } from '../ops/layer_norm.js';
import { linear } from '../ops/linear.js';

/** Weights of the perceptron that refines the pooled tokens. */
export interface Perceptron {
  gamma: Tensor;
  beta: Tensor;
  kernel1: Tensor;
  bias1: Tensor;
  kernel2: Tensor;
  bias2: Tensor;
}

/** Epsilon of every layer norm inside the transformer and the aggregator. */
export const BLOCK_EPSILON = 1e-6;
/** Epsilon of the layer norm in the auxiliary head. */
export const HEAD_EPSILON = 1e-5;

/** `MLP(LN(x))`, with exact GELU: `[..., D]` → `[..., D]`. */
export function perceptron(x: Tensor, mlp: Perceptron): Tensor {
  const hidden = gelu(linear(layerNorm(x, mlp.gamma, mlp.beta, BLOCK_EPSILON), mlp.kernel1, mlp.bias1));
  return linear(hidden, mlp.kernel2, mlp.bias2);
}

/**
 * Pools tokens by attention: `logits [B, H, N, M]`, `values [B, M, D]` → `[B, N, D]`.
 *
 * The logits are those of the scorer; only here they are scaled by `(D / H)^-0.5` and soft-maxed, over all M tokens.
 */
export function poolByAttention(logits: Tensor, values: Tensor): Tensor {
  const [batch, heads, queries, count] = logits.shape as [number, number, number, number];
  const dim = values.shape[2] as number;
  const weights = softmax(mul(logits, (dim / heads) ** -0.5));
  if (heads === 1) return matMul(squeeze(weights, [1]), values);
  const split = transpose(reshape(values, [batch, count, heads, dim / heads]), [0, 2, 1, 3]);
  return reshape(transpose(matMul(weights, split), [0, 2, 1, 3]), [batch, queries, dim]);
}
