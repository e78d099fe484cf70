import {
  add,
  keep,
  mean,
  mul,
  onesLike,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { argumentError, requireNumber, requireShape } from '../core/checks.js';
import { stopGradient } from '../ops/stop_gradient.js';
import {
  aboveBounds,
  aboveOne,
  belowZero,
  offSimplex,
  type Tally,
  tallied,
  tallyErrors,
  tallyGroups,
} from './constraints.js';
import { unpackSignals } from './pack.js';

/** Weights of the penalties: labels below 0, above 1, off the simplex, and signals above their bounds. */
export type Lambdas = readonly [belowZero: number, aboveOne: number, simplex: number, signals: number];

/** What both losses of a label flow take. */
export interface FlowLossConfig {
  /** Weights of the penalties. Default `[10, 10, 10, 10]`. */
  lambdas?: Lambdas;
  /** Weight of the negative log-likelihood, in bits per label dimension. Default 1. */
  nllWeight?: number;
  /**
   * For small batches: share of the past in a running average of the data-set averages that the constraints bound, in
   * [0, 1). The average lags behind the labels that the flow makes now. Default 0: each batch stands for the data set,
   * which needs large or full batches, since the square of a noisy excess is too large.
   */
  average?: number;
}

/** Options of {@link labelFlowLoss}. */
export interface LabelFlowLossConfig extends FlowLossConfig {
  /** Highest error rate of each signal for each class, `[L][C]` in [0, 1]. */
  bounds: readonly (readonly number[])[];
  /** Share of each class in the data, `[C]`; a further constraint, with the weight of the signals. Default: none. */
  classBalance?: readonly number[];
}

/** Options of {@link groupMeanLoss}. */
export interface GroupMeanLossConfig extends FlowLossConfig {
  /** Mean label of each group, scaled to [0, 1] as the labels are. */
  means: readonly number[];
}

/** A loss for `compile`. */
export interface FlowLoss {
  (targets: Tensor, outputs: Tensor): Tensor;
  /** Frees what it remembers with `average`. */
  dispose(): void;
}

/**
 * Loss of a {@link ConditionalFlow} that learns from weak signals: negative log-likelihood of the labels that it
 * generates, and penalties where they leave [0, 1] or the simplex or contradict a signal more often than its bound says.
 *
 * **Targets** `[B, 2 · L · C]` from {@link packSignals}. **Outputs** of a flow in training, `[B, C + 2]`; in `evaluate`, `[B,
 * C]`, it is the penalties alone. **Returns** a scalar; gradients flow to the outputs. With `average` the loss remembers two
 * small tensors: make a new one for each training, and `dispose` it.
 *
 * @throws At construction for bounds outside [0, 1] or other numbers out of range; in `fit` for targets of other classes or
 * signals.
 *
 * Source: Lu et al., "Weakly Supervised Label Learning Flows", arXiv 2302.09649.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { ConditionalFlow, labelFlowLoss, packSignals } from 'tfjs-llf';
 *
 * const x = tf.randomNormal([64, 3]);
 * const positive = tf.step(x.slice([0, 0], [64, 1])); // a rule: class 1 where the first feature is above 0
 * const signals = tf.stack([tf.sub(1, positive), positive], 2) as tf.Tensor3D; // [64, 1, 2]
 *
 * const flow = new ConditionalFlow({ labelSize: 2, hidden: 8, steps: 2 });
 * const model = tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [3] }), flow] });
 * model.compile({ optimizer: tf.train.adam(0.01), loss: labelFlowLoss({ bounds: [[0.1, 0.1]] }) });
 * await model.fit(x, packSignals(signals), { epochs: 2, batchSize: 64, verbose: 0 });
 * ```
 */
export function labelFlowLoss({ bounds, classBalance, ...config }: LabelFlowLossConfig): FlowLoss {
  const owner = 'labelFlowLoss';
  const [classes = 0] = bounds.map((row) => row.length);
  if (classes === 0 || bounds.some((row) => row.length !== classes)) {
    throw argumentError(owner, 'bounds', 'numbers for each signal and class', bounds);
  }
  for (const bound of bounds.flat()) requireNumber(owner, 'bounds', bound, 0, 1);
  for (const share of classBalance ?? []) requireNumber(owner, 'classBalance', share, 0, 1);
  if (classBalance) requireShape(owner, 'classBalance', [classBalance.length], [classes]);
  return flowLoss(owner, classes, config, (targets, y, tally, weight) => {
    const [signals, mask] = unpackSignals(targets, classes);
    requireShape(owner, 'signals', signals.shape, ['batch', bounds.length, classes]);
    const errors = tallied(tally(tallyErrors(y, signals, mask)));
    const simplex = classes > 1 ? mul(offSimplex(y), weight[2]) : 0;
    const excess = aboveBounds(errors, tensor(bounds.flat(), [bounds.length, classes]));
    const balance = classBalance ? sum(square(sub(mean(y, 0), tensor([...classBalance])))) : 0;
    return add(simplex, mul(add(excess, balance), weight[3]));
  });
}

/**
 * Loss of a scalar {@link ConditionalFlow} that learns from the mean labels of groups of rows: negative log-likelihood, and
 * penalties where labels leave [0, 1] or the mean over a group is not the given one.
 *
 * **Targets** `[B, P]`: 1 where the row belongs to the group, 0 elsewhere; groups may overlap. **Outputs** of a flow with
 * `labelSize: 1`. **Returns** a scalar, as {@link labelFlowLoss} does.
 *
 * @throws At construction for numbers out of range; in `fit` for another number of groups.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { groupMeanLoss } from 'tfjs-llf';
 *
 * const loss = groupMeanLoss({ means: [0.25, 0.75], nllWeight: 0 });
 * const members = tf.tensor2d([[1, 0], [0, 1]]);
 * loss(members, tf.tensor2d([[0.25], [0.75]])).print(); // 0: both groups have their mean
 * ```
 */
export function groupMeanLoss({ means, ...config }: GroupMeanLossConfig): FlowLoss {
  const owner = 'groupMeanLoss';
  if (means.length === 0) throw argumentError(owner, 'means', 'numbers for each group', means);
  for (const mean of means) requireNumber(owner, 'means', mean, 0, 1);
  return flowLoss(owner, 1, config, (members, y, tally, weight) => {
    requireShape(owner, 'targets', members.shape, ['batch', means.length]);
    return mul(sum(square(sub(tallied(tally(tallyGroups(y, members))), tensor([...means])))), weight[3]);
  });
}

/** The penalties that depend on the targets, weighted. */
type Constraint = (targets: Tensor, y: Tensor, tally: (of: Tally) => Tally, weight: Lambdas) => Tensor;

function flowLoss(owner: string, size: number, config: FlowLossConfig, constraint: Constraint): FlowLoss {
  const { lambdas = [10, 10, 10, 10], nllWeight = 1, average = 0 } = config;
  for (const lambda of lambdas) requireNumber(owner, 'lambdas', lambda, 0);
  requireNumber(owner, 'nllWeight', nllWeight, 0);
  requireNumber(owner, 'average', average, 0, 0.999);
  const remembered = average > 0 ? runningTally(average) : undefined;
  const loss = (targets: Tensor, outputs: Tensor): Tensor =>
    tidy(() => {
      const [batch = 0, width = 0] = outputs.shape;
      const inTraining = width === size + 2;
      if (!inTraining) requireShape(owner, 'outputs', outputs.shape, ['batch', size]);
      const y = inTraining ? slice(outputs, [0, 0], [batch, size]) : outputs;
      const tally = inTraining && remembered ? remembered.average : (one: Tally) => one;
      const range = add(mul(belowZero(y), lambdas[0]), mul(aboveOne(y), lambdas[1]));
      const penalties = add(range, constraint(targets, y, tally, lambdas));
      return inTraining ? add(mul(negativeLogLikelihood(outputs, size), nllWeight), penalties) : penalties;
    });
  return Object.assign(loss, { dispose: () => remembered?.dispose() });
}

/** Bits per label dimension, from a flow's output in training: labels, log-determinant, log-density of the noise. */
export function negativeLogLikelihood(outputs: Tensor, size: number): Tensor {
  const batch = outputs.shape[0] as number;
  const logDet = slice(outputs, [0, size], [batch, 1]);
  const logNoise = slice(outputs, [0, size + 1], [batch, 1]);
  return mul(mean(sub(logDet, logNoise)), 1 / (size * Math.LN2));
}

/** The value of `average`, the gradient of `x`. */
function withValue(average: Tensor, x: Tensor): Tensor {
  return add(x, stopGradient(sub(average, x)));
}

/** Tallies over a running average of batches: its mean is the value, the gradient is that of the batch. */
function runningTally(share: number): { average(of: Tally): Tally; dispose(): void } {
  let past: Tally | undefined;
  const dispose = (): void => {
    past?.total.dispose();
    past?.count.dispose();
    past = undefined;
  };
  const average = (now: Tally): Tally => {
    const merged = (key: keyof Tally): Tensor => {
      const old = past?.[key];
      return keep(stopGradient(old ? add(mul(old, share), now[key]) : now[key]));
    };
    const next = { total: merged('total'), count: merged('count') };
    dispose();
    past = next;
    return { total: withValue(tallied(next), tallied(now)), count: onesLike(now.count) };
  };
  return { average, dispose };
}
