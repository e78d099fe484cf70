import { reshape, serialization, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireOneOf, requireShape } from '../core/checks.js';
import { type Options, type Shape, shapeList } from '../core/layer.js';
import { type Activation, relu, silu } from './activation.js';
import { batchStatistics } from './batch_norm.js';
import { overPoints, runFlow } from './flow.js';
import { FlowLayer, type FlowLayerConfig, flowOptions, type Pattern } from './flow_layer.js';
import { fromRows, toRows } from './rows.js';

/** Configuration of {@link PointFlow}. */
export interface PointFlowConfig extends FlowLayerConfig {
  /** Steps of three couplings: even ones change one coordinate each, odd ones two. Default 4. */
  steps?: number;
  /** Between the maps that read points: `'relu'`, as published, or `'silu'`, as in {@link ConditionalFlow}. Default `'relu'`. */
  activation?: 'relu' | 'silu';
}

const OWNER = 'PointFlow';
const DIMENSIONS = 3;
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
 * flow.logProb(code, cloud).print(); // one number for each cloud
 * ```
 */
export class PointFlow extends FlowLayer<Options<PointFlowConfig>> {
  static readonly className: string = 'LLFPointFlow';
  protected override readonly patterns: readonly Pattern[] = PATTERNS;
  protected override readonly activation: Activation = this.options.activation === 'relu' ? relu : silu;
  protected override readonly points = true;

  constructor(config: PointFlowConfig = {}) {
    super(config, OWNER, {
      activation: requireOneOf(OWNER, 'activation', config.activation ?? 'relu', ['relu', 'silu']),
      ...flowOptions(OWNER, config, 4),
    });
  }

  private checkShapes(inputShape: Shape | Shape[]): [noise: Shape, code: Shape] {
    const shapes = shapeList(inputShape);
    if (shapes.length !== 2) throw argumentError(OWNER, 'inputs', '[noise, code]', shapes);
    const [noise, code] = shapes as [Shape, Shape];
    requireShape(OWNER, 'noise', noise, ['batch', 'points?', DIMENSIONS]);
    requireShape(OWNER, 'code', code, [noise[0] ?? 'batch', 'width']);
    return [noise, code];
  }

  override build(inputShape: Shape | Shape[]): void {
    const [, [, width]] = this.checkShapes(inputShape);
    this.addFlowWeights(width as number);
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
      if (statistics) this.remember(statistics, batch, batch * points);
      return [fromRows(rows, noise.shape), reshape(overPoints(logDet), [batch, 1])];
    });
  }

  protected override requireLabels(code: Tensor, points: Tensor): void {
    const shapes = [points.shape, code.shape];
    if (this.built) this.checkShapes(shapes);
    else this.build(shapes);
    this.built = true;
  }

  /** Log-density of clouds as independent points, in nats: `code [B, G]`, `points [B, N, 3]` → `[B]`. Gradients flow. */
  override logProb(code: Tensor, points: Tensor): Tensor {
    return tidy(() => sum(super.logProb(code, points), 1));
  }
}
serialization.registerClass(PointFlow);
