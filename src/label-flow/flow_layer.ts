import { add, reshape, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { requireInteger, requireOneOf } from '../core/checks.js';
import { type SeededArgs, SeededLayer } from '../core/layer.js';
import type { Activation } from './activation.js';
import { batchStatistics, type Moments, updatedMoments } from './batch_norm.js';
import { type ConditionWeights, conditions } from './conditioning.js';
import type { Rows } from './coupling.js';
import { type Flow, logNormal, runFlow } from './flow.js';
import {
  type ConditionMoments,
  type Coupling,
  conditionTable,
  couplingTable,
  prefixed,
  runningStatistics,
  unstackCouplings,
} from './flow_weights.js';
import { fromRows, toRows } from './rows.js';

/** Configuration of the layers that are flows. */
export interface FlowLayerConfig extends SeededArgs {
  /** Width of the networks that factors and terms come from. Default 64. */
  hidden?: number;
  /** Steps of the flow, of one coupling per dimension. */
  steps?: number;
  /**
   * What the batch norms use outside of training: the running statistics, so that what a row gives depends on that row
   * alone, or those of the batch, as the authors' code does. Default `'running'`.
   */
  statistics?: 'running' | 'batch';
}

/** The part of a flow layer's options that all of them have. */
export type FlowOptions = Required<Omit<FlowLayerConfig, keyof SeededArgs>>;

/** Checks these options; `steps` is the default of their number. */
export function flowOptions(owner: string, config: FlowLayerConfig, steps: number): FlowOptions {
  return {
    hidden: requireInteger(owner, 'hidden', config.hidden ?? 64, 1),
    steps: requireInteger(owner, 'steps', config.steps ?? steps, 1),
    statistics: requireOneOf(owner, 'statistics', config.statistics ?? 'running', ['running', 'batch']),
  };
}

/** A kind of step: prefix of its weights' names, and the dimensions that its couplings change. */
export interface Pattern {
  readonly prefix: string;
  readonly warps: readonly (readonly number[])[];
}

/** Base of the layers that are flows. */
export abstract class FlowLayer<Own extends FlowOptions> extends SeededLayer<Own> {
  /** Kinds of steps, in turn. */
  protected abstract readonly patterns: readonly Pattern[];
  /** Between the maps that read labels. */
  protected abstract readonly activation: Activation;
  /** Whether columns are points of clouds, and not samples of rows. */
  protected abstract readonly points: boolean;

  /** Checks labels and makes sure that there are weights. */
  protected abstract requireLabels(x: Tensor, y: Tensor): void;

  /** The dimensions that each coupling changes. */
  private get warps(): Pattern['warps'] {
    const { patterns, options } = this;
    return Array.from({ length: options.steps }, (_, i) => (patterns[i % patterns.length] as Pattern).warps).flat();
  }

  /** Label dimensions, of which a step has a coupling each. */
  private get dimensions(): number {
    return this.patterns[0]?.warps.length as number;
  }

  /** Which pattern the coupling at this place belongs to. */
  private patternOf(place: number): number {
    return Math.floor(place / this.dimensions) % this.patterns.length;
  }

  /** Adds the weights of a flow that reads this many features. */
  protected addFlowWeights(features: number): void {
    const { warps, dimensions, options } = this;
    const networks = (dimensions > 1 ? 4 : 2) * warps.length;
    this.addWeights(conditionTable(features, options.hidden, networks));
    this.patterns.forEach(({ prefix, warps: [warp = []] }, i) => {
      const couplings = warps.filter((_, place) => this.patternOf(place) === i).length;
      if (couplings === 0) return;
      const table = couplingTable(couplings, options.hidden, dimensions - warp.length, warp.length);
      this.addWeights(
        Object.fromEntries(Object.entries(table).map(([name, weight]) => [prefixed(prefix, name), weight])),
      );
    });
  }

  /** The flow for these features, with the statistics of its batch in training. */
  protected flow(x: Tensor, inTraining?: ReturnType<typeof batchStatistics>): Flow {
    const values = this.values<ConditionWeights & ConditionMoments & Record<string, Tensor>>();
    const stacks = this.patterns.map(({ prefix }) => unstackCouplings(values, prefix));
    const { warps, activation, points } = this;
    const couplings = warps.map((_, place) => stacks[this.patternOf(place)]?.shift() as Coupling);
    const ofBatch = inTraining ?? (this.options.statistics === 'batch' ? batchStatistics() : undefined);
    const statistics = ofBatch ?? runningStatistics(values, couplings);
    const said = conditions(x, warps.length, values, statistics, points);
    return { warps, couplings, conditions: said, statistics, activation, joint: points };
  }

  /** Counts a batch of `rows` features and `columns` labels into the running statistics. */
  protected remember({ recorded }: ReturnType<typeof batchStatistics>, rows: number, columns: number): void {
    const values = this.values<Record<string, Variable>>();
    const count = (name: string, moments: readonly Moments[], size: number): void => {
      const [mean, variance] = [values[`${name}Mean`], values[`${name}Variance`]];
      if (!mean || !variance || moments.length === 0) return;
      const updated = updatedMoments({ mean, variance }, moments, size);
      mean.assign(updated.mean);
      variance.assign(updated.variance);
    };
    count('condition', recorded.condition, rows);
    for (const name of ['label', 'out'] as const) {
      this.patterns.forEach(({ prefix }, i) => {
        const own = recorded[name].filter((_, place) => this.patternOf(place) === i);
        count(prefixed(prefix, name), own, columns);
      });
    }
  }

  /** Rows that noise turns into, for features `x`. */
  protected forward(x: Tensor, z: Tensor): Tensor {
    this.requireLabels(x, z);
    return tidy(() => fromRows(runFlow(toRows(z), this.flow(x)).rows, z.shape));
  }

  private backward(x: Tensor, y: Tensor): { rows: Rows; logDet: Tensor } {
    this.requireLabels(x, y);
    return runFlow(toRows(y), this.flow(x), true);
  }

  /** The noise that labels (or points) `y` come from, given features (or a code) `x`; of the shape of `y`. Gradients flow. */
  encode(x: Tensor, y: Tensor): Tensor {
    return tidy(() => fromRows(this.backward(x, y).rows, y.shape));
  }

  /** Log-density of each label (or point), in nats: the shape of `y` but its last axis. Gradients flow. */
  logProb(x: Tensor, y: Tensor): Tensor {
    return tidy(() => {
      const { rows, logDet } = this.backward(x, y);
      // Backward, the log-determinant is that of the map from label to noise.
      return reshape(add(logNormal(rows), logDet), y.shape.slice(0, -1));
    });
  }
}
