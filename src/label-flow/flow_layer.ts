import { add, reshape, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { requireInteger, requireOneOf } from '../core/checks.js';
import { type SeededArgs, SeededLayer, type WeightTable } from '../core/layer.js';
import type { Activation } from './activation.js';
import { batchStatistics, type Moments, NORMS, updatedMoments } from './batch_norm.js';
import { type ConditionWeights, conditions } from './conditioning.js';
import type { Rows } from './coupling.js';
import { type Flow, logNormal, runFlow } from './flow.js';
import {
  type ConditionMoments,
  type Coupling,
  conditionTable,
  couplingTable,
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

/** `labelKernel` as `oneLabelKernel` for the prefix `one`. */
function prefixed(prefix: string, name: string): string {
  return (prefix && prefix + name.charAt(0).toUpperCase() + name.slice(1)) || name;
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

  private stepsOf(pattern: number): number {
    return Math.ceil((this.options.steps - pattern) / this.patterns.length);
  }

  private get warps(): Pattern['warps'] {
    const { patterns, options } = this;
    return Array.from({ length: options.steps }, (_, i) => (patterns[i % patterns.length] as Pattern).warps).flat();
  }

  /** Adds the weights of a flow that reads this many features. */
  protected addFlowWeights(features: number): void {
    const { hidden } = this.options;
    const { length } = this.warps;
    const dimensions = this.patterns[0]?.warps.length as number;
    const tables = this.patterns.map(({ prefix, warps }, i): WeightTable => {
      const warp = warps[0]?.length as number;
      const table = couplingTable(dimensions * this.stepsOf(i), hidden, dimensions - warp, warp);
      return Object.fromEntries(Object.entries(table).map(([name, weight]) => [prefixed(prefix, name), weight]));
    });
    const used = tables.filter((_, i) => this.stepsOf(i) > 0);
    const networks = (dimensions > 1 ? 4 : 2) * length;
    this.addWeights({ ...conditionTable(features, hidden, networks), ...Object.assign({}, ...used) });
  }

  /** The flow for these features, with the statistics of its batch in training. */
  protected flow(x: Tensor, inTraining?: ReturnType<typeof batchStatistics>): Flow {
    const values = this.values<ConditionWeights & ConditionMoments & Record<string, Tensor>>();
    const stacks = this.patterns.map(({ prefix }, i) => {
      if (this.stepsOf(i) < 1) return [];
      const own = Object.entries(values).filter(([name]) => name.startsWith(prefix));
      const bare = own.map(([name, value]) => [
        name.charAt(prefix.length).toLowerCase() + name.slice(prefix.length + 1),
        value,
      ]);
      return unstackCouplings(Object.fromEntries(bare));
    });
    const { warps, activation, points } = this;
    const couplings = warps.map((_, place) => this.stackOf(place, stacks).shift() as Coupling);
    const ofBatch = inTraining ?? (this.options.statistics === 'batch' ? batchStatistics() : undefined);
    const statistics = ofBatch ?? runningStatistics(values, couplings);
    const said = conditions(x, warps.length, values, statistics, points);
    return { warps, couplings, conditions: said, statistics, activation, joint: points };
  }

  /** The one of these, a list for each pattern, that the coupling at this place belongs to. */
  private stackOf<T>(place: number, stacks: readonly T[]): T {
    const dimensions = this.patterns[0]?.warps.length as number;
    return stacks[Math.floor(place / dimensions) % stacks.length] as T;
  }

  /** Counts a batch of `rows` features and `columns` labels into the running statistics. */
  protected remember({ recorded }: ReturnType<typeof batchStatistics>, rows: number, columns: number): void {
    const values = this.values<Record<string, Variable>>();
    for (const name of NORMS) {
      const shared = name === 'condition';
      const patterns = shared ? [''] : this.patterns.map(({ prefix }) => prefix);
      for (const prefix of patterns) {
        const own = recorded[name].filter((_, place) => shared || this.stackOf(place, patterns) === prefix);
        if (own.length === 0) continue;
        const [mean, variance] = ['Mean', 'Variance'].map((key) => values[prefixed(prefix, name + key)]) as Variable[];
        const running = { mean, variance } as Moments & Record<string, Variable>;
        const updated = updatedMoments(running, own, shared ? rows : columns);
        mean?.assign(updated.mean);
        variance?.assign(updated.variance);
      }
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
