import {
  add,
  concat,
  div,
  exp,
  matMul,
  mean,
  mul,
  relu,
  reshape,
  rsqrt,
  slice,
  softplus,
  square,
  sub,
  type Tensor,
  type Tensor2D,
  tanh,
  tensor,
} from '@tensorflow/tfjs-core';
import { constant, ones, truncatedNormal, zeros } from '../core/laws.js';
import type { WeightTable } from '../core/layer.js';

/** What makes one MLP differ from another. */
export interface MLPForm {
  /** Units of each hidden layer. */
  readonly hidden: readonly number[];
  readonly activation: 'relu' | 'tanh';
  /** Normalise the units of each hidden layer, before the activation. */
  readonly batchNorm: boolean;
  /** m(d) = d + MLP(d) instead of MLP(d). */
  readonly residual: boolean;
  /** Increasing by construction. */
  readonly monotone: boolean;
}

/** Values of the weights by name: `kernel0`, `bias0`, `gamma0`, `beta0`, ..., and `skip`. */
export type MLPWeights = Readonly<Record<string, Tensor>>;

/** Mean and variance of the units of one hidden layer. */
export interface Statistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** Epsilon of the batch norm. */
const EPSILON = 1e-3;

/** The weights of an MLP, with a suffix to each name. */
export function mlpWeights({ hidden, batchNorm, residual, monotone }: MLPForm, suffix = ''): WeightTable {
  const table: Record<string, WeightTable[string]> = {};
  const units = [1, ...hidden, 1];
  units.slice(1).forEach((out, i) => {
    const width = units[i] as number;
    const isLast = i === hidden.length;
    // In the monotone form the softplus of these, over the width; else He's law, truncated at two deviations.
    const spreadOut = truncatedNormal(monotone ? 2 : Math.sqrt(2 / width) / 0.88);
    const nothing = monotone ? constant(-6) : zeros;
    table[`kernel${i}${suffix}`] = [[width, out], isLast && residual ? nothing : spreadOut];
    // Kinks of the units at different details. Before a batch norm a bias would be taken away again.
    if (isLast || !batchNorm) table[`bias${i}${suffix}`] = [[out], isLast ? zeros : truncatedNormal(0.5)];
    if (isLast || !batchNorm) return;
    table[`gamma${i}${suffix}`] = [[out], monotone ? zeros : ones];
    table[`beta${i}${suffix}`] = [[out], truncatedNormal(0.5)];
  });
  if (residual && monotone) table[`skip${suffix}`] = [[1], zeros];
  return table;
}

/** The statistics by which the batch norm of hidden layer `i` normalises its units `x [N, units]`. */
export type StatisticsLaw = (x: Tensor, i: number) => Statistics;

/**
 * m at each detail: `[N, 1]` → `[N, 1]`, by the weights whose names end in `suffix`. The batch norm uses the statistics of
 * these details, or others by the law. Gradients flow to details and weights, through the statistics too.
 */
export function mlpRemap(
  details: Tensor,
  weights: MLPWeights,
  form: MLPForm,
  suffix = '',
  law: StatisticsLaw = statisticsOf,
): Tensor {
  const weight = (name: string, i: number): Tensor => weights[`${name}${i}${suffix}`] as Tensor;
  const { monotone, residual, batchNorm, hidden } = form;
  const kernel = (i: number): Tensor =>
    monotone ? div(softplus(weight('kernel', i)), weight('kernel', i).shape[0] as number) : weight('kernel', i);
  const layer = (x: Tensor, i: number): Tensor => {
    const [sum, bias] = [matMul(x as Tensor2D, kernel(i) as Tensor2D), weights[`bias${i}${suffix}`]];
    return bias ? add(sum, bias) : sum;
  };
  let x = details;
  for (let i = 0; i < hidden.length; i++) {
    x = layer(x, i);
    if (batchNorm) {
      const { mean, variance } = law(x, i);
      const gamma = monotone ? exp(weight('gamma', i)) : weight('gamma', i);
      x = add(mul(sub(x, mean), mul(gamma, rsqrt(add(variance, EPSILON)))), weight('beta', i));
    }
    x = activate(x, form);
  }
  const output = layer(x, hidden.length);
  if (!residual) return output;
  const skip = weights[`skip${suffix}`];
  return add(skip ? mul(details, exp(skip)) : details, output);
}

/** Mean and variance over the rows. */
function statisticsOf(x: Tensor): Statistics {
  const average = mean(x, 0);
  return { mean: average, variance: mean(square(sub(x, average)), 0) };
}

/** In the monotone form the second half of the units bends downwards: increasing units alone would sum to convex curves. */
function activate(x: Tensor, { activation, monotone }: MLPForm): Tensor {
  if (activation === 'tanh') return tanh(x);
  if (!monotone) return relu(x);
  const units = x.shape[1] as number;
  const bends = tensor(Array.from({ length: units }, (_, i) => (2 * i < units ? 1 : -1)));
  return mul(bends, relu(mul(bends, x)));
}

/** m at details of any shape. The batch norm uses the statistics of the grid `[G, 1]`, whatever the details are. */
export function mlpRemapAt(details: Tensor, grid: Tensor, weights: MLPWeights, form: MLPForm): Tensor {
  const count = grid.shape[0] as number;
  const both = concat([grid, reshape(details, [-1, 1])]);
  const remapped = mlpRemap(both, weights, form, '', (x) => statisticsOf(slice(x, 0, count)));
  return reshape(slice(remapped, count), details.shape);
}
