import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireInteger, requireOneOf, requireRank } from '../core/checks.js';
import { asList, type LayerArgs, SeededLayer, type Shape } from '../core/layer.js';
import { resolveSeed } from '../core/random.js';
import { layerNorm } from '../ops/layer_norm.js';
import { linear } from '../ops/linear.js';
import { BLOCK_EPSILON } from './aggregation.js';
import { DENSE } from './perceptron_layer.js';
import { type Pool, poolTokens } from './transformer.js';

/** Configuration of {@link ClassificationHead}. */
export interface ClassificationHeadConfig extends LayerArgs {
  /** Classes. */
  units: number;
  /** `'avg'`: mean over all tokens, the class token included; `'token'`: the class token. Default `'avg'`. */
  pool?: Pool;
  /** Seed of the initial weights. Default: a fresh one, kept in the config. */
  seed?: number;
}

/**
 * Head of a classifying ViT: pools the tokens, normalises, and maps to logits.
 *
 * **Input** tokens `[B, M, D]` float32. **Output** logits `[B, units]`, without softmax.
 *
 * **Weights** `gamma`, `beta [D]` (epsilon 1e-6), `kernel [D, units]`, `bias`. **Gradients** flow to tokens and weights.
 *
 * Source: Token Cropr's classification models. Note the mean over *all* tokens, where MAE leaves the class token out.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { ClassificationHead } from 'tfjs-llf';
 *
 * const logits = new ClassificationHead({ units: 10 }).apply(tf.randomNormal([2, 17, 32])) as tf.Tensor;
 * if (logits.shape.join() !== '2,10') throw new Error('one row per image');
 * ```
 */
export class ClassificationHead extends SeededLayer {
  static readonly className: string = 'LLFClassificationHead';

  readonly units: number;
  readonly pool: Pool;

  constructor(config: ClassificationHeadConfig) {
    super(config, resolveSeed(config.seed, 'ClassificationHead'));
    this.units = requireInteger('ClassificationHead', 'units', config.units, 1);
    this.pool = requireOneOf('ClassificationHead', 'pool', config.pool ?? 'avg', ['avg', 'token']);
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = requireRank('ClassificationHead', 'tokens', inputShape as Shape, 3, '[batch, tokens, dim]');
    const dim = shape[2] ?? null;
    if (dim === null) throw argumentError('ClassificationHead', 'tokens', 'of known width', shape);
    this.addNamedWeight('gamma', [dim], 'ones');
    this.addNamedWeight('beta', [dim], 'zeros');
    this.addNamedWeight('kernel', [dim, this.units], DENSE);
    this.addNamedWeight('bias', [this.units], 'zeros');
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [(inputShape as Shape)[0] ?? null, this.units];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const pooled = poolTokens(asList(inputs)[0] as Tensor, this.pool);
      const normalized = layerNorm(pooled, this.weight('gamma'), this.weight('beta'), BLOCK_EPSILON);
      return linear(normalized, this.weight('kernel'), this.weight('bias'));
    });
  }

  protected override config(): serialization.ConfigDict {
    return { units: this.units, pool: this.pool };
  }
}
serialization.registerClass(ClassificationHead);
