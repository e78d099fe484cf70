import {
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
import { argumentError, requireInteger, requireShape } from '../core/checks.js';
import { asList, type Options, type Shape, shapeList } from '../core/layer.js';
import { normalPair, type UniformStream, uniformStream } from '../core/random.js';
import { type Activation, silu } from './activation.js';
import { batchStatistics } from './batch_norm.js';
import { logNormal, runFlow } from './flow.js';
import { FlowLayer, type FlowLayerConfig, flowOptions, type Pattern } from './flow_layer.js';
import { toRows } from './rows.js';

/** Configuration of {@link ConditionalFlow}. */
export interface ConditionalFlowConfig extends FlowLayerConfig {
  /** Dimensions of a label: the number of classes, or 1 for a number. */
  labelSize: number;
  /**
   * Steps of the flow, each with one coupling per label dimension. They limit how sharp a prediction can be: the samples of
   * a label spread by at least about `exp(-steps / 2)`. Default 8.
   */
  steps?: number;
  /** Samples that a prediction averages. Default 10. */
  samples?: number;
}

const OWNER = 'ConditionalFlow';

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
export class ConditionalFlow extends FlowLayer<Options<ConditionalFlowConfig>> {
  static readonly className: string = 'LLFConditionalFlow';
  protected override readonly patterns: readonly Pattern[] = [
    { prefix: '', warps: Array.from({ length: this.options.labelSize }, (_, i) => [i]) },
  ];
  protected override readonly activation: Activation = silu;
  protected override readonly points = false;

  constructor(config: ConditionalFlowConfig) {
    super(config, OWNER, {
      labelSize: requireInteger(OWNER, 'labelSize', config.labelSize, 1),
      samples: requireInteger(OWNER, 'samples', config.samples ?? 10, 1),
      ...flowOptions(OWNER, config, 8),
    });
  }

  override build(inputShape: Shape | Shape[]): void {
    const { labelSize } = this.options;
    const [features, noise] = shapeList(inputShape) as [Shape, Shape?];
    const [, width] = requireShape(OWNER, 'features', features, ['batch', 'features']);
    if (noise) requireShape(OWNER, 'noise', noise, ['batch', labelSize]);
    this.addFlowWeights(width as number);
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
    const start = toRows(z ?? this.drawNoise(1, batch, uniformStream(...this.nextDraw('training'))));
    const { rows, logDet } = runFlow(start, this.flow(x, statistics));
    this.remember(statistics, batch, batch);
    return transpose(reshape(concat([...rows, logDet, logNormal(start)], 0), [-1, batch]));
  }

  private meanOfSamples(x: Tensor, z?: Tensor): Tensor {
    const { samples, statistics } = this.options;
    const batch = x.shape[0] as number;
    // The same noise for every row, so that a prediction depends on its row alone; but then a batch has no variance.
    const rows = statistics === 'running' ? 1 : batch;
    const drawn = (): Tensor => this.drawNoise(samples, rows, uniformStream(this.seed, 'prediction'));
    const noise = z ?? broadcastTo(drawn(), [samples, batch, this.options.labelSize]);
    return mean(clipByValue(reshape(this.sample(x, noise), [z ? 1 : samples, batch, -1]), 0, 1), 0);
  }

  private drawNoise(samples: number, rows: number, { uniform }: UniformStream): Tensor {
    const { labelSize } = this.options;
    return tensor(
      Float32Array.from({ length: samples * rows * labelSize }, () => normalPair(uniform)[0]),
      [samples, rows, labelSize],
    );
  }

  protected override requireLabels(x: Tensor, y: Tensor): void {
    const expected = [x.shape[0] as number, this.options.labelSize];
    requireShape(OWNER, 'labels', y.shape, y.rank === 3 ? ['samples', ...expected] : expected);
    if (!this.built) this.build(x.shape);
    this.built = true;
  }

  /**
   * Labels that noise turns into, not clipped: `x [B, F]`, `z [B, labelSize]` or `[S, B, labelSize]` for S samples per row
   * (default: one, drawn from the seed) → the shape of `z`. Gradients flow.
   */
  sample(x: Tensor, z?: Tensor): Tensor {
    const batch = x.shape[0] as number;
    return tidy(() =>
      this.forward(x, z ?? reshape(this.drawNoise(1, batch, uniformStream(this.seed, 'sample')), [batch, -1])),
    );
  }
}
serialization.registerClass(ConditionalFlow);
