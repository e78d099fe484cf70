import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireInteger, requireNumber, requireShape } from '../core/checks.js';
import { ones, zeros } from '../core/laws.js';
import { type Options, type SeededArgs, SeededLayer, type Shape, shapeList } from '../core/layer.js';
import { stopGradient } from '../ops/stop_gradient.js';
import { predictFromAttention } from './aggregation.js';
import { DENSE, perceptronWeights, requireWidth } from './weights.js';

/** Configuration of {@link AuxHead}. */
export interface AuxHeadConfig extends SeededArgs {
  /** Classes. */
  units: number;
  /** Hidden width of the perceptron over the pooled tokens, as a multiple of D; 0 leaves it out. Default 4. */
  mlpRatio?: number;
  /** Learned projection of the tokens to values, without bias. Default false. */
  valueProjection?: boolean;
  /** Heads; must equal the router's. Default 1. */
  heads?: number;
  /** Cut the gradient to the tokens. Set it to false only for the `normalized` output of a `preNorm` router. Default true. */
  detach?: boolean;
}

/**
 * Auxiliary head of Token Cropr, for training only: pools the tokens with the router's attention and predicts the task,
 * so that the router's queries learn what matters.
 *
 * **Input** `[tokens, attention]`: `[B, M, D]` and the router's unscaled logits `[B, heads, queries, M]`.
 * **Output** logits `[B, units]` for one query, `[B, queries, units]` for more.
 *
 * **Weights** `valueKernel [D, D]` (with `valueProjection`); `projKernel`, `projBias` (with several heads); `mlpGamma`,
 * `mlpBeta`, `fc1Kernel`, `fc1Bias`, `fc2Kernel`, `fc2Bias` (with `mlpRatio > 0`); `headGamma`, `headBeta`, `headKernel [D,
 * units]`, `headBias`.
 *
 * **Gradients** flow to its weights and, through the attention, to the router's queries; never to the tokens.
 *
 * **Errors** when it is connected: an attention of other heads or tokens than this layer's, heads that do not divide D.
 *
 * Leave its output out of a model and it is gone: see {@link stripAuxHeads}.
 *
 * Source: Token Cropr (CVPR 2025), aggregator and auxiliary head. The norm of the head has epsilon 1e-5, that of the
 * perceptron 1e-6, as in the authors' code.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { AuxHead, CroprPruner } from 'tfjs-llf';
 *
 * const tokens = tf.randomNormal([2, 17, 32]);
 * const [, , , attention] = new CroprPruner({ prune: 8, heads: 4 }).apply(tokens) as tf.Tensor[];
 * const logits = new AuxHead({ units: 10, heads: 4 }).apply([tokens, attention]) as tf.Tensor;
 * if (logits.shape.join() !== '2,10') throw new Error('one prediction per image');
 * ```
 */
export class AuxHead extends SeededLayer<Options<AuxHeadConfig>> {
  static readonly className: string = 'LLFAuxHead';

  constructor(config: AuxHeadConfig) {
    super(config, 'AuxHead', {
      units: requireInteger('AuxHead', 'units', config.units, 1),
      mlpRatio: requireNumber('AuxHead', 'mlpRatio', config.mlpRatio ?? 4, 0),
      valueProjection: requireBoolean('AuxHead', 'valueProjection', config.valueProjection ?? false),
      heads: requireInteger('AuxHead', 'heads', config.heads ?? 1, 1),
      detach: requireBoolean('AuxHead', 'detach', config.detach ?? true),
    });
  }

  override build(inputShape: Shape | Shape[]): void {
    const { units, mlpRatio, valueProjection, heads } = this.options;
    const [dim] = this.checkShapes(inputShape);
    const hidden = Math.floor(mlpRatio * dim);
    this.addWeights({
      valueKernel: valueProjection && [[dim, dim], DENSE],
      projKernel: heads > 1 && [[dim, dim], DENSE],
      projBias: heads > 1 && [[dim], zeros],
      ...(hidden > 0 && perceptronWeights(dim, hidden)),
      headGamma: [[dim], ones],
      headBeta: [[dim], zeros],
      headKernel: [[dim, units], DENSE],
      headBias: [[units], zeros],
    });
    super.build(inputShape);
  }

  /** Width of the tokens and number of queries, once tokens and attention fit this head and each other. */
  private checkShapes(inputShape: Shape | Shape[]): [number, number] {
    const shapes = shapeList(inputShape);
    if (shapes.length !== 2) throw argumentError(this.owner, 'inputs', '[tokens, attention]', shapes);
    const [tokens, attention] = shapes as [Shape, Shape];
    const { heads } = this.options;
    const dim = requireWidth(this.owner, tokens, heads);
    const [, , queries] = requireShape(this.owner, 'attention', attention, [
      'batch',
      heads,
      'queries',
      tokens[1] ?? null,
    ]);
    return [dim, queries as number];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [, queries] = this.checkShapes(inputShape);
    const batch = (inputShape as Shape[])[0]?.[0] ?? null;
    const { units } = this.options;
    return queries === 1 ? [batch, units] : [batch, queries, units];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const [tokens, attention] = inputs as [Tensor, Tensor];
      return predictFromAttention(attention, this.options.detach ? stopGradient(tokens) : tokens, this.values());
    });
  }
}
serialization.registerClass(AuxHead);
