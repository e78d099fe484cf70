import { add, log, mean, slice, squeeze, type Tensor } from '@tensorflow/tfjs-core';
import type { UniformStream } from '../core/random.js';
import { classAttention, meanKeys, selfAttention } from '../ops/attention.js';
import { dropPath } from '../ops/drop_path.js';
import { layerNorm } from '../ops/layer_norm.js';
import { linear } from '../ops/linear.js';
import { stopGradient } from '../ops/stop_gradient.js';
import { BLOCK_EPSILON, type Perceptron, perceptron } from './aggregation.js';

/** What a block returns besides its tokens. */
export type BlockOutput = 'none' | 'classAttention' | 'keys';

/** Weights of a transformer block. */
export interface BlockWeights extends Perceptron {
  attnGamma: Tensor;
  attnBeta: Tensor;
  qkvKernel: Tensor;
  qkvBias: Tensor;
  projKernel: Tensor;
  projBias: Tensor;
}

/** How a block runs. */
export interface BlockOptions {
  heads: number;
  extraOutput: BlockOutput;
  /** How many patches each token stands for, `[B, M]`, once tokens were merged. */
  sizes: Tensor | undefined;
  /** Stochastic depth, while training. */
  drop: { rate: number; stream: UniformStream } | undefined;
}

/**
 * Pre-norm transformer block: `tokens [B, M, D]` → `[tokens, extra?]`.
 *
 * A token of size s is attended to as s tokens would be: log(s) is added to its logits (ToMe's proportional attention).
 */
export function transformerBlockForward(x: Tensor, weights: BlockWeights, options: BlockOptions): Tensor[] {
  const { heads, extraOutput, sizes, drop } = options;
  const branch = (y: Tensor): Tensor => (drop ? dropPath(y, drop.rate, drop.stream) : y);
  const qkv = linear(
    layerNorm(x, weights.attnGamma, weights.attnBeta, BLOCK_EPSILON),
    weights.qkvKernel,
    weights.qkvBias,
  );
  const attended = linear(
    selfAttention(qkv, heads, sizes && log(stopGradient(sizes))),
    weights.projKernel,
    weights.projBias,
  );
  const afterAttention = add(x, branch(attended));
  const tokens = add(afterAttention, branch(perceptron(afterAttention, weights)));
  if (extraOutput === 'none') return [tokens];
  const extra = extraOutput === 'keys' ? meanKeys : classAttention;
  return [tokens, extra(stopGradient(qkv), heads)];
}

/** How tokens become one vector: their mean (class token included) or the class token. */
export type Pool = 'avg' | 'token';

/** `[B, M, D]` → `[B, D]`. The mean counts every token, the class token too, as the authors' code does. */
export function poolTokens(tokens: Tensor, pool: Pool): Tensor {
  if (pool === 'avg') return mean(tokens, 1);
  const [batch, , dim] = tokens.shape as [number, number, number];
  return squeeze(slice(tokens, [0, 0, 0], [batch, 1, dim]), [1]);
}

/** Weights of a classifier. */
export type ClassifierWeights = Record<'gamma' | 'beta' | 'kernel' | 'bias', Tensor>;

/** Logits `[B, classes]` of `tokens [B, M, D]`: pooled, normalised, mapped. */
export function classifyTokens(tokens: Tensor, pool: Pool, { gamma, beta, kernel, bias }: ClassifierWeights): Tensor {
  return linear(layerNorm(poolTokens(tokens, pool), gamma, beta, BLOCK_EPSILON), kernel, bias);
}
