import {
  add,
  clone,
  concat,
  mean,
  mul,
  ones,
  pow,
  reshape,
  rsqrt,
  square,
  sub,
  sum,
  type Tensor,
  zeros,
} from '@tensorflow/tfjs-core';
import { withGradient } from '../ops/custom_gradient.js';
import { runFused } from '../ops/fused.js';
import { stopGradient } from '../ops/stop_gradient.js';

/** As in torch. */
const EPSILON = 1e-5;
/** Share of the new batch in the running statistics, as in torch. */
const MOMENTUM = 0.1;

/** Mean and (biased) variance of rows. */
export interface Moments {
  mean: Tensor;
  variance: Tensor;
}

/** The three places of a coupling that are normalised; `condition` is shared by all couplings. */
export type NormName = 'condition' | 'label' | 'out';

/** Rows `[R, P, Q]` less their mean, over their deviation; constants. Mean and 1 / deviation: `[R, P, 1]` or `[R, 1, 1]`. */
export interface Standardized {
  normalized: Tensor;
  mean: Tensor;
  inverse: Tensor;
}

/** What the gradient of a batch norm needs. */
type Saved = Record<keyof Standardized | 'x', Tensor> & { gamma?: Tensor };

/** Where the normalisations find the mean and deviation of their rows `[R, P, Q]`. */
export interface Statistics {
  /** Whether they are those of the rows themselves, so that the gradient goes through them. */
  readonly ofBatch: boolean;
  standardize(rows: Tensor, name: NormName, coupling: number): Standardized;
}

/** Standardized by their own moments, over the last axis; one pass where the layer norm of this library is fused. */
function standardizedRows(rows: Tensor): Standardized {
  const columns = rows.shape[2] as number;
  const inputs = { x: reshape(rows, [-1, columns]), gamma: ones([columns]), beta: zeros([columns]) };
  const [value, centre, deviation] = runFused('LLFLayerNorm', inputs, { epsilon: EPSILON });
  if (value && centre && deviation) {
    const [normalized, mean, inverse] = [value, centre, deviation].map((x) =>
      reshape(x, [...rows.shape.slice(0, 2), -1]),
    );
    return { normalized, mean, inverse } as Standardized;
  }
  const average = mean(rows, 2, true);
  return standardizedBy(rows, { mean: average, variance: mean(square(sub(rows, average)), 2, true) });
}

/** Standardized by given moments. */
export function standardizedBy(rows: Tensor, moments: Moments): Standardized {
  const inverse = rsqrt(add(moments.variance, EPSILON));
  return { normalized: mul(sub(rows, moments.mean), inverse), mean: moments.mean, inverse };
}

/** Statistics of the batch itself; `recorded` holds the moments in the order in which they were asked for. */
export function batchStatistics(): Statistics & { recorded: Record<NormName, Moments[]> } {
  const recorded: Record<NormName, Moments[]> = { condition: [], label: [], out: [] };
  return {
    ofBatch: true,
    recorded,
    standardize(rows, name) {
      const standardized = standardizedRows(rows);
      const { mean, inverse } = standardized;
      recorded[name].push({ mean, variance: sub(pow(inverse, -2), EPSILON) });
      return standardized;
    },
  };
}

/** Running moments after one more batch of `count` numbers per row; the variance counts without bias, as in torch. */
export function updatedMoments(running: Moments, recorded: readonly Moments[], count: number): Moments {
  const updated = (key: keyof Moments, factor: number): Tensor => {
    const batch = concat(recorded.map((moments) => moments[key]));
    const old = mul(running[key], 1 - MOMENTUM);
    return add(old, mul(reshape(batch, old.shape), MOMENTUM * factor));
  };
  return { mean: updated('mean', 1), variance: updated('variance', count / (count - 1)) };
}

/** The gradient for rows, of the one for the rows standardized by their own moments. */
function throughMoments(dy: Tensor, x: Tensor, { normalized, mean: average, inverse }: Standardized): Tensor {
  const columns = x.shape[2] as number;
  const matrices = [x, dy, average, inverse].map((one) => reshape(one, [-1, one.shape[2] as number])) as Tensor[];
  const [rows, gradient, centre, deviation] = matrices as [Tensor, Tensor, Tensor, Tensor];
  const inputs = { x: rows, dy: gradient, gamma: ones([columns]), mean: centre, inverse: deviation };
  const [fast] = runFused('LLFLayerNormGrad', inputs);
  if (fast) return reshape(fast, x.shape);
  const along = mul(normalized, mean(mul(dy, normalized), 2, true));
  return mul(sub(sub(dy, mean(dy, 2, true)), along), inverse);
}

/**
 * Batch norm of rows: `x [R, P, Q]`, normalised over the last axis, times `gamma [R]` plus `beta [R]` if given.
 *
 * Gradients flow to `x`, `gamma` and `beta`, and through the statistics if they are the batch's own.
 */
export function batchNorm(
  x: Tensor,
  statistics: Statistics,
  name: NormName,
  coupling: number,
  gamma?: Tensor,
  beta?: Tensor,
): Tensor {
  const standardized = statistics.standardize(stopGradient(x), name, coupling);
  const asRows = (vector: Tensor): Tensor => reshape(vector, [-1, 1, 1]);
  return withGradient<Tensor[], Saved>(
    gamma && beta ? [x, gamma, beta] : [x],
    () => {
      const { normalized } = standardized;
      const value = gamma && beta ? add(mul(normalized, asRows(gamma)), asRows(beta)) : clone(normalized);
      return { value, saved: { ...standardized, x, ...(gamma && { gamma }) } };
    },
    (dy, { x, gamma, ...standardized }) => {
      const scaled = gamma ? mul(dy, asRows(gamma)) : dy;
      const dx = statistics.ofBatch ? throughMoments(scaled, x, standardized) : mul(scaled, standardized.inverse);
      return gamma ? [dx, sum(mul(dy, standardized.normalized), [1, 2]), sum(dy, [1, 2])] : [dx];
    },
  );
}
