import { add, concat, mul, sigmoid, type Tensor, zeros } from '@tensorflow/tfjs-core';
import type { UniformStream } from '../core/random.js';
import { BLOCK_EPSILON } from '../cropr/aggregation.js';
import { classAttention, selfAttention } from '../ops/attention.js';
import { dropPath } from '../ops/drop_path.js';
import { layerNorm } from '../ops/layer_norm.js';
import { linear } from '../ops/linear.js';
import { stopGradient } from '../ops/stop_gradient.js';
import { type Places, rotateQueriesAndKeys } from './rotary.js';

/** Weights of an EVA-02 block. */
export type RotaryBlockWeights = Record<
  | 'attnGamma'
  | 'attnBeta'
  | 'queryKernel'
  | 'queryBias'
  | 'keyKernel'
  | 'valueKernel'
  | 'valueBias'
  | 'projKernel'
  | 'projBias'
  | 'mlpGamma'
  | 'mlpBeta'
  | 'gateKernel'
  | 'gateBias'
  | 'fc1Kernel'
  | 'fc1Bias'
  | 'innerGamma'
  | 'innerBeta'
  | 'fc2Kernel'
  | 'fc2Bias',
  Tensor
>;

/** How a block runs. */
export interface RotaryBlockOptions {
  heads: number;
  /** Return the attention of the class token too. */
  attention: boolean;
  /** Stochastic depth, while training. */
  drop: { rate: number; stream: UniformStream } | undefined;
}

/** Queries, keys (without bias) and values of normalised tokens in one product: `[B, M, D]` → `[B, M, 3D]`. */
function packedProjection(x: Tensor, w: RotaryBlockWeights): Tensor {
  const kernel = concat([w.queryKernel, w.keyKernel, w.valueKernel], 1);
  return linear(x, kernel, concat([w.queryBias, zeros(w.queryBias.shape), w.valueBias], 0));
}

/** SwiGLU with a norm inside: `fc2(LN(silu(gate x) · fc1 x))`, `[..., D]` → `[..., D]`. */
export function gatedPerceptron(x: Tensor, w: RotaryBlockWeights): Tensor {
  const gate = linear(x, w.gateKernel, w.gateBias);
  const hidden = mul(mul(gate, sigmoid(gate)), linear(x, w.fc1Kernel, w.fc1Bias));
  return linear(layerNorm(hidden, w.innerGamma, w.innerBeta, BLOCK_EPSILON), w.fc2Kernel, w.fc2Bias);
}

/**
 * Block of EVA-02: `tokens [B, M, D]` and their places → `[tokens, attention [B, M]?]`.
 */
export function rotaryBlockForward(
  x: Tensor,
  places: Places,
  weights: RotaryBlockWeights,
  { heads, attention, drop }: RotaryBlockOptions,
): Tensor[] {
  const branch = (y: Tensor): Tensor => (drop ? dropPath(y, drop.rate, drop.stream) : y);
  const norm = layerNorm(x, weights.attnGamma, weights.attnBeta, BLOCK_EPSILON);
  const qkv = rotateQueriesAndKeys(packedProjection(norm, weights), places);
  const attended = add(x, branch(linear(selfAttention(qkv, heads), weights.projKernel, weights.projBias)));
  const mixed = gatedPerceptron(layerNorm(attended, weights.mlpGamma, weights.mlpBeta, BLOCK_EPSILON), weights);
  const tokens = add(attended, branch(mixed));
  return attention ? [tokens, classAttention(stopGradient(qkv), heads)] : [tokens];
}
