import { concat, serialization, slice, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { argumentError, requireInteger, requireNumber, requireShape } from '../core/checks.js';
import { constant, ones, zeros } from '../core/laws.js';
import { asList, type Options, type SeededArgs, SeededLayer, type Shape } from '../core/layer.js';
import { BLOCK_EPSILON } from '../cropr/aggregation.js';
import { DENSE } from '../cropr/weights.js';
import { type Grid, requireGrid } from '../cropr-dense/grid.js';
import { gelu } from '../ops/gelu.js';
import { layerNorm } from '../ops/layer_norm.js';
import { linear } from '../ops/linear.js';
import { cellUnits } from './cell_layout.js';

/** A class is held for that likely at the start, so that the many empty cells do not drown the others. */
const PRIOR = 0.01;

/** Configuration of {@link DetectionHead}. */
export interface DetectionHeadConfig extends SeededArgs {
  /** Number of classes. */
  classes: number;
  /** Rows and columns of the patch grid. */
  grid: Grid;
  /** Side of a patch in pixels. */
  patchSize: number;
  /** Prototypes of masks; 0 for boxes alone. Default 0. */
  prototypes?: number;
  /** Pixels of a prototype along the side of a patch; must divide `patchSize`. Default 1. */
  resolution?: number;
  /** Width of the hidden layer as a multiple of the token width; 0 leaves it out. Default 1. */
  mlpRatio?: number;
}

type HeadWeights = Record<'gamma' | 'beta' | 'kernel' | 'classBias' | 'bias', Tensor> & {
  fc1Kernel?: Tensor;
  fc1Bias?: Tensor;
};

/**
 * Head of a detector without anchors: each patch says which object it belongs to, and where that ends.
 *
 * **Input** tokens `[B, P, D]` or `[B, 1 + P, D]` float32, row by row; of the latter the first, the class token, is left
 * out. **Output** `[B, P, units]`, numbers without bounds: a logit per class, the logarithms of the distances from the middle
 * of the patch to the top, left, bottom and right of the object in units of the patch, the logit of centre-ness; with masks
 * a coefficient per prototype, and every prototype at the pixels of the patch. {@link detect} reads them,
 * {@link detectionLoss} trains them.
 *
 * **Weights** `gamma`, `beta [D]` (epsilon 1e-6), `fc1Kernel [D, hidden]`, `fc1Bias`, `kernel [hidden, units]`, `classBias`
 * (at the start the logit of 0.01, as focal loss asks), `bias` of the rest. **Gradients** flow to tokens and weights.
 *
 * **Errors** for numbers out of range and a `resolution` that does not divide the patch; when it is connected, for another
 * number of tokens than the grid's.
 *
 * Source: FCOS (Tian et al. 2019) for the boxes, YOLACT (Bolya et al. 2019) for the masks, both on one level and with two dense
 * maps in place of convolutions.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { DetectionHead } from 'tfjs-llf';
 *
 * const head = new DetectionHead({ classes: 10, grid: [4, 4], patchSize: 8, prototypes: 6, resolution: 2 });
 * const cells = head.apply(tf.randomNormal([2, 17, 32])) as tf.Tensor;
 * if (cells.shape.join() !== '2,16,45') throw new Error('10 classes, 4 sides, centre-ness, 6 coefficients, 2 · 2 · 6');
 * ```
 */
export class DetectionHead extends SeededLayer<Options<DetectionHeadConfig>> {
  static readonly className: string = 'LLFDetectionHead';

  constructor(config: DetectionHeadConfig) {
    const owner = 'DetectionHead';
    const patchSize = requireInteger(owner, 'patchSize', config.patchSize, 1);
    const resolution = requireInteger(owner, 'resolution', config.resolution ?? 1, 1);
    if (patchSize % resolution !== 0)
      throw argumentError(owner, 'resolution', `a divisor of the patch size ${patchSize}`, resolution);
    super(config, owner, {
      classes: requireInteger(owner, 'classes', config.classes, 1),
      grid: requireGrid(owner, 'grid', config.grid),
      patchSize,
      prototypes: requireInteger(owner, 'prototypes', config.prototypes ?? 0, 0),
      resolution,
      mlpRatio: requireNumber(owner, 'mlpRatio', config.mlpRatio ?? 1, 0),
    });
  }

  private get patches(): number {
    return this.options.grid[0] * this.options.grid[1];
  }

  override build(inputShape: Shape | Shape[]): void {
    const { classes, mlpRatio } = this.options;
    const shape = requireShape(this.owner, 'tokens', inputShape as Shape, ['batch', 'tokens', 'dim']);
    const [, tokens, dim] = shape as [null, number, number];
    if (tokens !== this.patches && tokens !== this.patches + 1)
      throw argumentError(this.owner, 'tokens', `those of ${this.patches} patches, or one token more`, shape);
    const hidden = Math.floor(mlpRatio * dim);
    const units = cellUnits(this.options);
    this.addWeights({
      gamma: [[dim], ones],
      beta: [[dim], zeros],
      fc1Kernel: hidden > 0 && [[dim, hidden], DENSE],
      fc1Bias: hidden > 0 && [[hidden], zeros],
      kernel: [[hidden || dim, units], DENSE],
      classBias: [[classes], constant(Math.log(PRIOR / (1 - PRIOR)))],
      bias: [[units - classes], zeros],
    });
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [(inputShape as Shape)[0] ?? null, this.patches, cellUnits(this.options)];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const all = asList(inputs)[0] as Tensor;
      const [batch, count, dim] = all.shape as [number, number, number];
      const tokens = slice(all, [0, count - this.patches, 0], [batch, this.patches, dim]);
      const { gamma, beta, fc1Kernel, fc1Bias, kernel, classBias, bias } = this.values<HeadWeights>();
      const norm = layerNorm(tokens, gamma, beta, BLOCK_EPSILON);
      const hidden = fc1Kernel ? gelu(linear(norm, fc1Kernel, fc1Bias)) : norm;
      return linear(hidden, kernel, concat([classBias, bias]));
    });
  }
}
serialization.registerClass(DetectionHead);

/** The one detection head of a model. */
export function headOf(owner: string, model: LayersModel): DetectionHead {
  const heads = model.layers.filter((layer) => layer instanceof DetectionHead);
  const [head] = heads;
  if (!head || heads.length > 1)
    throw argumentError(owner, 'model', 'one with one DetectionHead', `${model.name} with ${heads.length}`);
  return head;
}
