import {
  abs,
  add,
  concat,
  div,
  exp,
  expandDims,
  log,
  matMul,
  mul,
  reshape,
  split,
  sqrt,
  sub,
  sum,
  type Tensor,
  unstack,
} from '@tensorflow/tfjs-core';
import type { Activation } from './activation.js';
import { batchNorm, type NormName, type Statistics } from './batch_norm.js';

/** Added to factors, so that none is zero. */
export const EPSILON = 1e-6;

/** Weights of one coupling's two heads, the one of the scale before the one of the shift; H hidden numbers. */
export interface CouplingWeights {
  /** `[2H, keep]`; missing, as all but the last two are, where a coupling keeps nothing. */
  labelKernel?: Tensor;
  /** `[2H]`. */
  labelGamma?: Tensor;
  /** `[2H]`. */
  labelBeta?: Tensor;
  /** `[2, H, H]`. */
  outKernel?: Tensor;
  /** `[2, warp, H]`. */
  mergeKernel: Tensor;
  /** `[2, warp]`. */
  mergeBias: Tensor;
}

/** What the features say to one coupling: factor and term `[2, H, p, q]` of its hidden numbers. */
export interface Condition {
  scale?: Tensor;
  shift: Tensor;
}

/** What all couplings of a flow share. */
export interface CouplingOptions {
  activation: Activation;
  statistics: Statistics;
  /** Normalise over both axes of the columns together (points), not over the last alone (samples). */
  joint?: boolean;
}

/** Labels as a list of dimensions, each `[1, P, Q]`: P samples of Q rows, or P clouds of Q points. */
export type Rows = readonly Tensor[];

/** Batch norm of `x [R, P · Q]`. */
function normalize(
  x: Tensor,
  [p, q]: readonly [number, number],
  name: NormName,
  place: number,
  { statistics, joint }: CouplingOptions,
  gamma?: Tensor,
  beta?: Tensor,
): Tensor {
  const rows = reshape(x, joint ? [-1, 1, p * q] : [-1, p, q]);
  return batchNorm(rows, statistics, name, place, gamma, beta);
}

/** The hidden numbers `[2, H, p, q]` of both heads, from the kept labels and the features. */
function hiddenNumbers(
  kept: Rows,
  place: number,
  weights: CouplingWeights,
  { scale, shift }: Condition,
  options: CouplingOptions,
): Tensor {
  const { labelKernel, labelGamma, labelBeta, outKernel } = weights;
  const [first] = kept;
  if (!first || !labelKernel || !outKernel || !scale) return shift;
  const [, p = 0, q = 0] = first.shape;
  const [, hidden = 0] = shift.shape;
  const labels = reshape(kept.length === 1 ? first : concat([...kept], 0), [kept.length, p * q]);
  const inner = normalize(matMul(labelKernel, labels), [p, q], 'label', place, options, labelGamma, labelBeta);
  const activated = reshape(options.activation(inner), [2, hidden, p * q]);
  const outer = normalize(matMul(outKernel, activated), [p, q], 'out', place, options);
  return add(mul(scale, reshape(outer, [2, hidden, p, q])), shift);
}

/** Factor and term of each warped label dimension, and the log of the factors' product; `[1, p, q]` each. */
export interface Affine {
  factors: Tensor[];
  terms: Tensor[];
  logDet: Tensor;
}

/**
 * The affine map that a coupling applies to its `warp` label dimensions, from the `keep` others and the features.
 *
 * The log-variance is a softsign, in (-1, 1), so that a factor is between 0.61 and 1.65.
 */
export function couplingAffine(
  rows: Rows,
  warp: readonly number[],
  place: number,
  weights: CouplingWeights,
  condition: Condition,
  options: CouplingOptions,
): Affine {
  const kept = rows.filter((_, i) => !warp.includes(i));
  const hidden = hiddenNumbers(kept, place, weights, condition, options);
  const [, width = 0, p = 0, q = 0] = hidden.shape;
  const activated = reshape(options.activation(hidden), [2, width, p * q]);
  const merged = add(matMul(weights.mergeKernel, activated), expandDims(weights.mergeBias, 2));
  const [raw, term] = unstack(reshape(merged, [2, warp.length, p, q])) as [Tensor, Tensor];
  const variance = add(exp(div(raw, add(abs(raw), 1))), EPSILON);
  const apart = (x: Tensor): Tensor[] => (warp.length === 1 ? [x] : split(x, warp.length));
  return { factors: apart(sqrt(variance)), terms: apart(term), logDet: mul(sum(log(variance), 0, true), 0.5) };
}

/** The labels with the warped dimensions mapped from noise to label, or back. */
export function applyAffine(rows: Rows, warp: readonly number[], { factors, terms }: Affine, back = false): Rows {
  return rows.map((row, i) => {
    const factor = factors[warp.indexOf(i)];
    const term = terms[warp.indexOf(i)];
    if (!factor || !term) return row;
    return back ? div(sub(row, term), factor) : add(mul(factor, row), term);
  });
}
