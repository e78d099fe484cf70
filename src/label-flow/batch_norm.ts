import { add, concat, mean, mul, reshape, rsqrt, square, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from '../ops/custom_gradient.js';
import { stopGradient } from '../ops/stop_gradient.js';

/** As in torch. */
const EPSILON = 1e-5;
/** Share of the new batch in the running statistics, as in torch. */
const MOMENTUM = 0.1;

/** Mean and (biased) variance of rows, `[R, P, 1]` of a batch or `[R, 1, 1]` running. */
export interface Moments {
  mean: Tensor;
  variance: Tensor;
}

/** The three places of a coupling that are normalised; `condition` is shared by all couplings. */
export type NormName = 'condition' | 'label' | 'out';

/** Where the normalisations find the mean and variance of their rows. */
export interface Statistics {
  /** Whether they are those of the rows themselves, so that the gradient goes through them. */
  readonly ofBatch: boolean;
  moments(name: NormName, coupling: number, rows: Tensor): Moments;
}

/** Statistics of the batch itself; `recorded` holds the moments in the order in which they were asked for. */
export function batchStatistics(): Statistics & { recorded: Record<NormName, Moments[]> } {
  const recorded: Record<NormName, Moments[]> = { condition: [], label: [], out: [] };
  return {
    ofBatch: true,
    recorded,
    moments(name, _coupling, rows) {
      const detached = stopGradient(rows);
      const average = mean(detached, 2, true);
      const moments = { mean: average, variance: mean(square(sub(detached, average)), 2, true) };
      recorded[name].push(moments);
      return moments;
    },
  };
}

/** Running moments after one more batch of `count` numbers per row; the variance counts without bias, as in torch. */
export function updatedMoments(running: Moments, recorded: readonly Moments[], count: number): Moments {
  const updated = (old: Tensor, batch: Tensor[], factor: number): Tensor =>
    add(mul(old, 1 - MOMENTUM), mul(reshape(concat(batch), old.shape), MOMENTUM * factor));
  return {
    mean: updated(
      running.mean,
      recorded.map(({ mean }) => mean),
      1,
    ),
    variance: updated(
      running.variance,
      recorded.map(({ variance }) => variance),
      count / (count - 1),
    ),
  };
}

/**
 * Batch norm of rows: `x [R, P, Q]`, normalised over the last axis, times `gamma [R]` plus `beta [R]` if given.
 *
 * Gradients flow to `x`, `gamma` and `beta`, and through the statistics if they are the batch's own.
 */
export function batchNorm(x: Tensor, moments: Moments, ofBatch: boolean, gamma?: Tensor, beta?: Tensor): Tensor {
  const rows = x.shape[0] as number;
  return withGradient<Tensor[], Record<'x' | 'inverse' | 'factor' | 'mean', Tensor>>(
    gamma && beta ? [x, gamma, beta] : [x],
    () => {
      const inverse = rsqrt(add(moments.variance, EPSILON));
      const factor = gamma ? mul(inverse, reshape(gamma, [rows, 1, 1])) : inverse;
      const centre = mul(moments.mean, factor);
      const offset = beta ? sub(reshape(beta, [rows, 1, 1]), centre) : mul(centre, -1);
      return { value: add(mul(x, factor), offset), saved: { x, inverse, factor, mean: add(moments.mean, 0) } };
    },
    (dy, { x, inverse, factor, mean: centre }) => {
      const normalized = mul(sub(x, centre), inverse);
      const along = mul(dy, normalized);
      const dx = ofBatch ? sub(sub(dy, mean(dy, 2, true)), mul(normalized, mean(along, 2, true))) : dy;
      return [mul(dx, factor), ...(gamma ? [sum(along, [1, 2]), sum(dy, [1, 2])] : [])];
    },
  );
}
