import { add, serialization, squeeze, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireInteger, requireNumber, requireRank } from '../core/checks.js';
import type { LayerArgs, Shape } from '../core/layer.js';
import { resolveSeed } from '../core/random.js';
import { layerNorm } from '../ops/layer_norm.js';
import { linear } from '../ops/linear.js';
import { stopGradient } from '../ops/stop_gradient.js';
import { HEAD_EPSILON, perceptron, poolByAttention } from './aggregation.js';
import { DENSE, PerceptronLayer } from './perceptron_layer.js';

/** Configuration of {@link AuxHead}. */
export interface AuxHeadConfig extends LayerArgs {
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
  /** Seed of the initial weights. Default: a fresh one, kept in the config. */
  seed?: number;
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
export class AuxHead extends PerceptronLayer {
  static readonly className: string = 'LLFAuxHead';

  readonly units: number;
  readonly mlpRatio: number;
  readonly valueProjection: boolean;
  readonly heads: number;
  readonly detach: boolean;

  constructor(config: AuxHeadConfig) {
    super(config, resolveSeed(config.seed, 'AuxHead'));
    this.units = requireInteger('AuxHead', 'units', config.units, 1);
    this.mlpRatio = requireNumber('AuxHead', 'mlpRatio', config.mlpRatio ?? 4, 0);
    this.valueProjection = requireBoolean('AuxHead', 'valueProjection', config.valueProjection ?? false);
    this.heads = requireInteger('AuxHead', 'heads', config.heads ?? 1, 1);
    this.detach = requireBoolean('AuxHead', 'detach', config.detach ?? true);
  }

  override build(inputShape: Shape | Shape[]): void {
    const dim = this.checkShapes(inputShape)[0] as number;
    const hidden = Math.floor(this.mlpRatio * dim);
    if (this.valueProjection) this.addNamedWeight('valueKernel', [dim, dim], DENSE);
    if (this.heads > 1) {
      this.addNamedWeight('projKernel', [dim, dim], DENSE);
      this.addNamedWeight('projBias', [dim], 'zeros');
    }
    if (hidden > 0) this.addPerceptron(dim, hidden);
    this.addNamedWeight('headGamma', [dim], 'ones');
    this.addNamedWeight('headBeta', [dim], 'zeros');
    this.addNamedWeight('headKernel', [dim, this.units], DENSE);
    this.addNamedWeight('headBias', [this.units], 'zeros');
    super.build(inputShape);
  }

  /** Width of the tokens and number of queries, once tokens and attention fit this head and each other. */
  private checkShapes(inputShape: Shape | Shape[]): [number, number] {
    if (!Array.isArray(inputShape[0]) || inputShape.length !== 2)
      throw argumentError('AuxHead', 'inputs', '[tokens, attention]', inputShape);
    const [tokens, attention] = inputShape as [Shape, Shape];
    requireRank('AuxHead', 'tokens', tokens, 3, '[batch, tokens, dim]');
    requireRank('AuxHead', 'attention', attention, 4, '[batch, heads, queries, tokens]');
    const [, count, dim] = tokens;
    if (attention[1] !== this.heads)
      throw argumentError('AuxHead', 'heads', `those of the attention, ${attention[1]}`, this.heads);
    if (attention[3] !== count)
      throw argumentError('AuxHead', 'attention', `over the ${count} tokens given`, attention[3]);
    if (dim == null || dim % this.heads !== 0)
      throw argumentError('AuxHead', 'heads', `a divisor of the token width ${dim}`, this.heads);
    return [dim, attention[2] as number];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [, queries] = this.checkShapes(inputShape);
    const batch = (inputShape as Shape[])[0]?.[0] ?? null;
    return queries === 1 ? [batch, this.units] : [batch, queries, this.units];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const [tokens, attention] = inputs as [Tensor, Tensor];
      const constant = this.detach ? stopGradient(tokens) : tokens;
      const values = this.valueProjection ? linear(constant, this.weight('valueKernel')) : constant;
      let pooled = poolByAttention(attention, values);
      if (this.heads > 1) pooled = linear(pooled, this.weight('projKernel'), this.weight('projBias'));
      if (Math.floor(this.mlpRatio * (tokens.shape[2] as number)) > 0)
        pooled = add(pooled, perceptron(pooled, this.perceptron));
      const normalized = layerNorm(pooled, this.weight('headGamma'), this.weight('headBeta'), HEAD_EPSILON);
      const logits = linear(normalized, this.weight('headKernel'), this.weight('headBias'));
      return logits.shape[1] === 1 ? squeeze(logits, [1]) : logits;
    });
  }

  protected override config(): serialization.ConfigDict {
    const { units, mlpRatio, valueProjection, heads, detach } = this;
    return { units, mlpRatio, valueProjection, heads, detach };
  }
}
serialization.registerClass(AuxHead);
