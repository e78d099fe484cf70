import { add, expandDims, matMul, reshape, type Tensor } from '@tensorflow/tfjs-core';
import { boundedExp, silu } from './activation.js';
import { batchNorm, type Statistics } from './batch_norm.js';
import { type Condition, EPSILON } from './coupling.js';
import { unstacked } from './unstack.js';

/** Weights of all networks that read the features: G of them, each F features → H → H numbers. */
export interface ConditionWeights {
  /** `[G · H, F]`. */
  conditionKernel: Tensor;
  /** `[G · H]`. */
  conditionGamma: Tensor;
  /** `[G · H]`. */
  conditionBeta: Tensor;
  /** `[G, H, H]`. */
  conditionOutKernel: Tensor;
  /** `[G, H]`. */
  conditionOutBias: Tensor;
}

/**
 * What features `x [B, F]` say to each of a flow's couplings: one product for the first layers of all networks, one
 * batched product for the second.
 *
 * The networks stand in this order: those of the factors (left out where nothing is kept) before those of the terms;
 * among these, coupling by coupling; in each, the head of the scale before that of the shift. With `points` the columns
 * of a coupling are `[B, points]`, otherwise `[samples, B]`.
 */
export function conditions(
  x: Tensor,
  couplings: number,
  weights: ConditionWeights,
  statistics: Statistics,
  points = false,
): Condition[] {
  const batch = x.shape[0] as number;
  const { conditionKernel, conditionGamma, conditionBeta, conditionOutKernel, conditionOutBias } = weights;
  const [groups = 0, hidden = 0] = conditionOutBias.shape;
  const first = reshape(matMul(conditionKernel, x, false, true), [groups * hidden, 1, batch]);
  const normalized = batchNorm(first, statistics, 'condition', 0, conditionGamma, conditionBeta);
  const inner = reshape(silu(normalized), [groups, hidden, batch]);
  const all = add(matMul(conditionOutKernel, inner), expandDims(conditionOutBias, 2));
  const shape = points ? [2, hidden, batch, 1] : [2, hidden, 1, batch];
  const pieces = unstacked(reshape(all, [groups / 2, 2 * hidden * batch])).map((piece) => reshape(piece, shape));
  const shifts = pieces.slice(-couplings);
  if (pieces.length === couplings) return shifts.map((shift) => ({ shift }));
  return shifts.map((shift, i) => ({ shift, scale: add(boundedExp(pieces[i] as Tensor), EPSILON) }));
}
