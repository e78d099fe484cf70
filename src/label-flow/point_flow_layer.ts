import { add, reshape, serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireInteger, requireOneOf, requireShape } from '../core/checks.js';
import { type Options, type SeededArgs, SeededLayer, type Shape, shapeList, type WeightTable } from '../core/layer.js';
import { relu, silu } from './activation.js';
import { batchStatistics, type Statistics } from './batch_norm.js';
import { type ConditionWeights, conditions } from './conditioning.js';
import { type Flow, logNormal, overPoints, runFlow } from './flow.js';
import {
  type ConditionMoments,
  type Coupling,
  conditionTable,
  couplingTable,
  runningStatistics,
  unstackCouplings,
} from './flow_weights.js';
import { fromRows, toRows } from './rows.js';
import { prefixed, rememberMoments } from './running.js';

/** Configuration of {@link PointFlow}. */
export interface PointFlowConfig extends SeededArgs {
  /** Width of the networks. Default 64. */
  hidden?: number;
  /** Steps of three couplings: even ones change one coordinate each, odd ones two. Default 4. */
  steps?: number;
  /** Between the maps that read points: `'relu'`, as published, or `'silu'`, as in {@link ConditionalFlow}. Default `'relu'`. */
  activation?: 'relu' | 'silu';
  /** What the batch norms use outside of training: running statistics, or those of the batch. Default `'running'`. */
  statistics?: 'running' | 'batch';
}

const OWNER = 'PointFlow';
const DIMENSIONS = 3;
/** A kind of step: prefix of its weights' names, and the coordinates that its couplings change. */
interface Pattern {
  readonly prefix: string;
  readonly warps: readonly (readonly number[])[];
}

/** Those of even and of odd steps. */
const PATTERNS: readonly Pattern[] = [
  { prefix: 'one', warps: [[0], [1], [2]] },
  {
    prefix: 'two',
    warps: [
      [0, 1],
      [0, 2],
      [1, 2],
    ],
  },
];

/**
 * Conditional flow on point clouds: moves each point of noise by affine couplings that depend on a code of the shape, the
 * same for all points of a cloud, and on the point's other coordinates.
 *
 * **Input** `[noise, code]`: points `[B, N, 3]` and a code `[B, G]`, float32. **Output** `[points, logDet]`: `[B, N, 3]`, and
 * the log-determinant summed over the points `[B, 1]`; of both in training and at prediction.
 *
 * **Weights** those of {@link ConditionalFlow}; the ones that read points stand twice, with the prefix `one` for even steps
 * (one coordinate changes) and `two` for odd ones.
 *
 * **Gradients** flow to noise, code and all trained weights.
 *
 * **Errors** at construction for numbers out of range; when it is connected for other shapes; in training for a batch of one
 * cloud, whose code has no variance.
 *
 * Source: the point flow of Klokov et al., "Discrete Point Flow Networks" (ECCV 2020), on which Lu et al. (arXiv 2302.09649)
 * build their completion of point clouds. Equal to the published code but for a bias that a batch norm takes away again.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { PointFlow } from 'tfjs-llf';
 *
 * const flow = new PointFlow({ hidden: 8, steps: 2, seed: 1 });
 * const code = tf.randomNormal([2, 4]);
 * const [cloud] = flow.apply([tf.randomNormal([2, 100, 3]), code]) as [tf.Tensor, tf.Tensor];
 * flow.logProb(cloud, code).print(); // one number for each cloud
 * ```
 */
export class PointFlow extends SeededLayer<Options<PointFlowConfig>> {
  static readonly className: string = 'LLFPointFlow';

  constructor(config: PointFlowConfig = {}) {
    super(config, OWNER, {
      hidden: requireInteger(OWNER, 'hidden', config.hidden ?? 64, 1),
      steps: requireInteger(OWNER, 'steps', config.steps ?? 4, 1),
      activation: requireOneOf(OWNER, 'activation', config.activation ?? 'relu', ['relu', 'silu']),
      statistics: requireOneOf(OWNER, 'statistics', config.statistics ?? 'running', ['running', 'batch']),
    });
  }

  /** Steps that follow each of the patterns. */
  private stepsOf(pattern: 0 | 1): number {
    return Math.floor((this.options.steps + 1 - pattern) / 2);
  }

  private checkShapes(inputShape: Shape | Shape[]): [noise: Shape, code: Shape] {
    const shapes = shapeList(inputShape);
    if (shapes.length !== 2) throw argumentError(OWNER, 'inputs', '[noise, code]', shapes);
    const [noise, code] = shapes as [Shape, Shape];
    requireShape(OWNER, 'noise', noise, ['batch', 'points?', DIMENSIONS]);
    requireShape(OWNER, 'code', code, ['batch', 'width']);
    return [noise, code];
  }

  override build(inputShape: Shape | Shape[]): void {
    const { hidden, steps } = this.options;
    const [, [, width]] = this.checkShapes(inputShape);
    const tables = PATTERNS.map(({ prefix, warps }, i): WeightTable => {
      const { length = 0 } = warps[0] ?? [];
      const count = DIMENSIONS * this.stepsOf(i as 0 | 1);
      const table = count > 0 ? couplingTable(count, hidden, DIMENSIONS - length, length) : {};
      return Object.fromEntries(Object.entries(table).map(([name, weight]) => [prefixed(prefix, name), weight]));
    });
    const networks = 4 * DIMENSIONS * steps;
    this.addWeights({ ...conditionTable(width as number, hidden, networks), ...tables[0], ...tables[1] });
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape[] {
    const [noise] = this.checkShapes(inputShape);
    return [[...noise], [noise[0] ?? null, 1]];
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor[] {
    return tidy(() => {
      const [noise, code] = inputs as [Tensor, Tensor];
      const [batch = 0, points = 0] = noise.shape;
      const training = kwargs.training === true;
      if (training && batch < 2) throw argumentError(OWNER, 'batch', 'of at least two clouds in training', batch);
      const statistics = training ? batchStatistics() : undefined;
      const { rows, logDet } = runFlow(toRows(noise), this.flow(code, statistics));
      if (statistics) this.remember(statistics, batch, points);
      return [fromRows(rows, noise.shape), reshape(overPoints(logDet), [batch, 1])];
    });
  }

  private remember({ recorded }: ReturnType<typeof batchStatistics>, batch: number, points: number): void {
    const values = this.values<Record<string, Tensor>>();
    rememberMoments(values, 'condition', recorded.condition, batch);
    PATTERNS.forEach(({ prefix }, i) => {
      for (const name of ['label', 'out'] as const) {
        const own = recorded[name].filter((_, place) => Math.floor(place / DIMENSIONS) % 2 === i);
        rememberMoments(values, name, own, batch * points, prefix);
      }
    });
  }

  private flow(code: Tensor, given?: Statistics): Flow {
    const values = this.values<ConditionWeights & ConditionMoments & Record<string, Tensor>>();
    const stacks = PATTERNS.map(({ prefix }, i) => {
      if (this.stepsOf(i as 0 | 1) === 0) return [];
      const own = Object.entries(values).filter(([name]) => name.startsWith(prefix));
      const bare = own.map(([name, value]) => [name.charAt(3).toLowerCase() + name.slice(4), value] as const);
      return unstackCouplings(Object.fromEntries(bare) as Partial<Coupling>);
    });
    const steps = Array.from({ length: this.options.steps }, (_, i) => i);
    const warps = steps.flatMap((step) => PATTERNS[step % 2]?.warps ?? []);
    const couplings = steps.flatMap((step) => {
      const first = DIMENSIONS * Math.floor(step / 2);
      return (stacks[step % 2] as Coupling[]).slice(first, first + DIMENSIONS);
    });
    const ofBatch = given ?? (this.options.statistics === 'batch' ? batchStatistics() : undefined);
    const statistics = ofBatch ?? runningStatistics(values, couplings);
    const said = conditions(code, warps.length, values, statistics, true);
    const activation = this.options.activation === 'relu' ? relu : silu;
    return { warps, couplings, conditions: said, statistics, activation, joint: true };
  }

  private ready(points: Tensor, code: Tensor): void {
    if (this.built) this.checkShapes([points.shape, code.shape]);
    else this.build([points.shape, code.shape]);
    this.built = true;
  }

  /** The noise that points come from: `points [B, N, 3]`, `code [B, G]` → `[B, N, 3]`. Gradients flow. */
  encode(points: Tensor, code: Tensor): Tensor {
    this.ready(points, code);
    return tidy(() => fromRows(runFlow(toRows(points), this.flow(code), true).rows, points.shape));
  }

  /** Log-density of clouds as independent points, in nats: `points [B, N, 3]`, `code [B, G]` → `[B]`. */
  logProb(points: Tensor, code: Tensor): Tensor {
    this.ready(points, code);
    return tidy(() => {
      const { rows, logDet } = runFlow(toRows(points), this.flow(code), true);
      return overPoints(add(logNormal(rows), logDet));
    });
  }
}
serialization.registerClass(PointFlow);
