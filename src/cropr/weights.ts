import { argumentError, requireShape } from '../core/checks.js';
import { ones, truncatedNormal, type WeightLaw, zeros } from '../core/laws.js';
import type { Shape, WeightTable } from '../core/layer.js';

/** Standard deviation of a dense kernel at the start, as in the authors' code. */
export const KERNEL_STD: number = 0.02;
/** How dense kernels are drawn. */
export const DENSE: WeightLaw = truncatedNormal(KERNEL_STD);

/** Weights of a layer norm followed by a two-layer perceptron. */
export function perceptronWeights(dim: number, hidden: number, law: WeightLaw = DENSE): WeightTable {
  return {
    mlpGamma: [[dim], ones],
    mlpBeta: [[dim], zeros],
    fc1Kernel: [[dim, hidden], law],
    fc1Bias: [[hidden], zeros],
    fc2Kernel: [[hidden, dim], law],
    fc2Bias: [[dim], zeros],
  };
}

/** Width of `tokens [batch, tokens, dim]`, once it is known and `heads` divide it. */
export function requireWidth(owner: string, tokens: Shape, heads = 1): number {
  const dim = requireShape(owner, 'tokens', tokens, ['batch', 'tokens?', 'dim'])[2] as number;
  if (dim % heads !== 0) throw argumentError(owner, 'heads', `a divisor of the token width ${dim}`, heads);
  return dim;
}
