import { add, matMul, mul, reshape, softmax, squeeze, type Tensor } from '@tensorflow/tfjs-core';
import { mergeGroups, splitGroups } from '../ops/attention.js';
import { gelu } from '../ops/gelu.js';
import { layerNorm } from '../ops/layer_norm.js';
import { linear } from '../ops/linear.js';

/** Weights of the perceptron that refines the pooled tokens. */
export interface Perceptron {
  mlpGamma: Tensor;
  mlpBeta: Tensor;
  fc1Kernel: Tensor;
  fc1Bias: Tensor;
  fc2Kernel: Tensor;
  fc2Bias: Tensor;
}

/** Epsilon of every layer norm inside the transformer and the aggregator. */
export const BLOCK_EPSILON = 1e-6;
/** Epsilon of the layer norm in the auxiliary head. */
const HEAD_EPSILON = 1e-5;

/** `MLP(LN(x))`, with exact GELU: `[..., D]` → `[..., D]`. */
export function perceptron(x: Tensor, mlp: Perceptron): Tensor {
  const hidden = gelu(linear(layerNorm(x, mlp.mlpGamma, mlp.mlpBeta, BLOCK_EPSILON), mlp.fc1Kernel, mlp.fc1Bias));
  return linear(hidden, mlp.fc2Kernel, mlp.fc2Bias);
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
  const perHead = matMul(reshape(weights, [batch * heads, queries, count]), splitGroups(values, heads));
  return mergeGroups(perHead, heads);
}

/** Weights of an auxiliary head; what it has no use for is left out. */
export interface AuxHeadWeights extends Partial<Perceptron> {
  valueKernel?: Tensor;
  projKernel?: Tensor;
  projBias?: Tensor;
  headGamma: Tensor;
  headBeta: Tensor;
  headKernel: Tensor;
  headBias: Tensor;
}

/**
 * Predicts the task from the tokens that the queries attend to: `logits [B, H, N, M]` of the scorer, `tokens [B, M, D]` →
 * `[B, classes]` for one query, `[B, N, classes]` for more.
 */
export function predictFromAttention(logits: Tensor, tokens: Tensor, weights: AuxHeadWeights): Tensor {
  const { valueKernel, projKernel, projBias, headGamma, headBeta, headKernel, headBias } = weights;
  let pooled = poolByAttention(logits, valueKernel ? linear(tokens, valueKernel) : tokens);
  if (projKernel) pooled = linear(pooled, projKernel, projBias);
  if (weights.fc1Kernel) pooled = add(pooled, perceptron(pooled, weights as Perceptron));
  const predicted = linear(layerNorm(pooled, headGamma, headBeta, HEAD_EPSILON), headKernel, headBias);
  return predicted.shape[1] === 1 ? squeeze(predicted, [1]) : predicted;
}
