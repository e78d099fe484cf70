import {
  add,
  broadcastTo,
  clipByValue,
  concat,
  mean,
  reshape,
  serialization,
  type Tensor,
  tensor,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { argumentError, requireInteger, requireOneOf, requireShape } from '../core/checks.js';
import { asList, type Options, type SeededArgs, SeededLayer, type Shape, shapeList } from '../core/layer.js';
import { randomStream } from '../core/random.js';
import { silu } from './activation.js';
import { batchStatistics, NORMS, type Statistics } from './batch_norm.js';
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
import { rememberMoments } from './running.js';

/** Configuration of {@link ConditionalFlow}. */
export interface ConditionalFlowConfig extends SeededArgs {
  /** Dimensions of a label: the number of classes, or 1 for a number. */
  labelSize: number;
  /** Width of the conditioning networks. Default 64. */
  hidden?: number;
  /**
   * Steps of the flow, each with one coupling per label dimension. They limit how sharp a prediction can be: the samples of
   * a label spread by at least about `exp(-steps / 2)`. Default 8.
   */
  steps?: number;
  /** Samples that a prediction averages. Default 10. */
  samples?: number;
  /**
   * What the batch norms use at prediction: the running statistics of training, so that a prediction depends on its row
   * alone, or those of the batch, as the authors' code does. Default `'running'`.
   */
  statistics?: 'running' | 'batch';
}

const OWNER = 'ConditionalFlow';

type FlowValues = ConditionWeights & ConditionMoments & Partial<Coupling>;

/**
 * Conditional normalizing flow: turns noise into labels, given features, by affine couplings whose factors and terms come
 * from networks that read the features and the other label dimensions.
 *
 * **Input** features `[B, F]` float32, or `[features, noise]` with noise `[B, labelSize]` in place of drawn noise.
 * **Output** while training `[B, labelSize + 2]`: one sample of the label, the log-determinant of its map, the log-density
 * of its noise; feed it to {@link labelFlowLoss}. At prediction `[B, labelSize]`: the mean of samples clipped to [0, 1]. Since
 * the width differs, its symbolic shape leaves it open.
 *
 * **Weights** for G networks of width H that read features: `conditionKernel [G·H, F]`, `conditionGamma`, `conditionBeta`,
 * `conditionOutKernel [G, H, H]`, `conditionOutBias`; for K couplings and their two heads: `labelKernel [K, 2H, labelSize -
 * 1]`, `labelGamma`, `labelBeta`, `outKernel [K, 2, H, H]`, `mergeKernel [K, 2, 1, H]`, `mergeBias`. Running statistics, not
 * trained: `conditionMean`, `conditionVariance`, `labelMean`, `labelVariance`, `outMean`, `outVariance`. A scalar label has
 * no `label` and `out` weights, since nothing is kept.
 *
 * **Gradients** flow to features, noise and all trained weights.
 *
 * **Errors** at construction for numbers out of range; when it is connected for inputs of another rank; in training for a
 * batch of one row, which has no variance.
 *
 * Source: Lu et al., "Weakly Supervised Label Learning Flows", arXiv 2302.09649. Equal to the authors' code for two classes,
 * but for a bias that its batch norm takes away again; for others, one coupling per label dimension.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { ConditionalFlow } from 'tfjs-llf';
 *
 * const flow = new ConditionalFlow({ labelSize: 2, hidden: 8, steps: 2, seed: 1 });
 * const x = tf.randomNormal([5, 3]);
 * const z = tf.randomNormal([5, 2]);
 * const y = flow.sample(x, z);
 * const error = tf.max(tf.abs(tf.sub(flow.encode(x, y), z))).dataSync()[0] as number;
 * if (error > 1e-4) throw new Error('encode undoes sample');
 * ```
 */
export class ConditionalFlow extends SeededLayer<Options<ConditionalFlowConfig>> {
  static readonly className: string = 'LLFConditionalFlow';

  constructor(config: ConditionalFlowConfig) {
    super(config, OWNER, {
      labelSize: requireInteger(OWNER, 'labelSize', config.labelSize, 1),
      hidden: requireInteger(OWNER, 'hidden', config.hidden ?? 64, 1),
      steps: requireInteger(OWNER, 'steps', config.steps ?? 8, 1),
      samples: requireInteger(OWNER, 'samples', config.samples ?? 10, 1),
      statistics: requireOneOf(OWNER, 'statistics', config.statistics ?? 'running', ['running', 'batch']),
    });
  }

  /** Which label dimension each coupling changes. */
  private get warps(): number[][] {
    const { labelSize, steps } = this.options;
    return Array.from({ length: steps * labelSize }, (_, i) => [i % labelSize]);
  }

  override build(inputShape: Shape | Shape[]): void {
    const { labelSize, hidden } = this.options;
    const [features, noise] = shapeList(inputShape) as [Shape, Shape?];
    const [, width = 0] = requireShape(OWNER, 'features', features, ['batch', 'features']);
    if (noise) requireShape(OWNER, 'noise', noise, ['batch', labelSize]);
    const couplings = this.warps.length;
    const networks = (labelSize > 1 ? 4 : 2) * couplings;
    this.addWeights({
      ...conditionTable(width as number, hidden, networks),
      ...couplingTable(couplings, hidden, labelSize - 1, 1),
    });
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [shapeList(inputShape)[0]?.[0] ?? null, null];
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor {
    return tidy(() => {
      const [x, z] = asList(inputs) as [Tensor, Tensor?];
      return kwargs.training === true ? this.train(x, z) : this.meanOfSamples(x, z);
    });
  }

  /** One sample, its log-determinant and the log-density of its noise; counts the batch into the running statistics. */
  private train(x: Tensor, z?: Tensor): Tensor {
    const batch = x.shape[0] as number;
    if (batch < 2) throw argumentError(OWNER, 'batch', 'of at least two rows in training', batch);
    const statistics = batchStatistics();
    const start = toRows(z ?? this.drawNoise(1, batch, 'training', this.draws++));
    const { rows, logDet } = runFlow(start, this.flow(x, statistics));
    const values = this.values<Record<string, Tensor>>();
    for (const name of NORMS) rememberMoments(values, name, statistics.recorded[name], batch);
    return transpose(reshape(concat([...rows, logDet, logNormal(start)], 0), [-1, batch]));
  }

  private meanOfSamples(x: Tensor, z?: Tensor): Tensor {
    const { samples, statistics } = this.options;
    const batch = x.shape[0] as number;
    // The same noise for every row, so that a prediction depends on its row alone; but then a batch has no variance.
    const rows = statistics === 'running' ? 1 : batch;
    const noise =
      z ?? broadcastTo(this.drawNoise(samples, rows, 'prediction', 0), [samples, batch, this.options.labelSize]);
    return mean(clipByValue(reshape(this.sample(x, noise), [z ? 1 : samples, batch, -1]), 0, 1), 0);
  }

  private drawNoise(samples: number, rows: number, purpose: string, index: number): Tensor {
    const shape = [samples, rows, this.options.labelSize];
    const stream = randomStream(this.seed, purpose, index);
    const size = samples * rows * this.options.labelSize;
    return tensor(
      Float32Array.from({ length: size }, () => stream.normal()),
      shape,
    );
  }

  /** The flow for these features, with the statistics of prediction unless others are given. */
  private flow(x: Tensor, given?: Statistics): Flow {
    if (!this.built) {
      this.build(x.shape);
      this.built = true;
    }
    const values = this.values<FlowValues>();
    const couplings = unstackCouplings(values);
    const ofBatch = given ?? (this.options.statistics === 'batch' ? batchStatistics() : undefined);
    const statistics = ofBatch ?? runningStatistics(values, couplings);
    const { warps } = this;
    return {
      warps,
      couplings,
      statistics,
      activation: silu,
      conditions: conditions(x, warps.length, values, statistics),
    };
  }

  /**
   * Labels that noise turns into, not clipped: `x [B, F]`, `z [B, labelSize]` or `[S, B, labelSize]` for S samples per row
   * (default: one, drawn from the seed) → the shape of `z`. Gradients flow.
   */
  sample(x: Tensor, z?: Tensor): Tensor {
    return tidy(() => {
      const noise = z ?? reshape(this.drawNoise(1, x.shape[0] as number, 'sample', 0), [x.shape[0] as number, -1]);
      return fromRows(runFlow(this.rowsOf('z', x, noise), this.flow(x)).rows, noise.shape);
    });
  }

  /** The noise that labels come from, the inverse of {@link sample}: `y [B, labelSize]` or `[S, B, labelSize]` → the same. */
  encode(x: Tensor, y: Tensor): Tensor {
    return tidy(() => fromRows(runFlow(this.rowsOf('y', x, y), this.flow(x), true).rows, y.shape));
  }

  /** Log-density of labels given features: `y [B, labelSize]` → `[B]`, or `[S, B, labelSize]` → `[S, B]`; in nats. */
  logProb(x: Tensor, y: Tensor): Tensor {
    return tidy(() => {
      const { rows, logDet } = runFlow(this.rowsOf('y', x, y), this.flow(x), true);
      // Backward, the log-determinant is that of the map from label to noise.
      return reshape(add(logNormal(rows), logDet), y.shape.slice(0, -1));
    });
  }

  private rowsOf(argument: string, x: Tensor, y: Tensor): Rows {
    const expected = [x.shape[0] as number, this.options.labelSize];
    requireShape(OWNER, argument, y.shape, y.rank === 3 ? ['samples', ...expected] : expected);
    return toRows(y);
  }
}
serialization.registerClass(ConditionalFlow);
