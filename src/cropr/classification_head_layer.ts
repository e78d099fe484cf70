import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { requireInteger, requireOneOf } from '../core/checks.js';
import { ones, zeros } from '../core/laws.js';
import { asList, type Options, type SeededArgs, SeededLayer, type Shape } from '../core/layer.js';
import { classifyTokens, type Pool } from './transformer.js';
import { DENSE, requireWidth } from './weights.js';

/** Configuration of {@link ClassificationHead}. */
export interface ClassificationHeadConfig extends SeededArgs {
  /** Classes. */
  units: number;
  /** `'avg'`: mean over all tokens, the class token included; `'token'`: the class token. Default `'avg'`. */
  pool?: Pool;
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
export class ClassificationHead extends SeededLayer<Options<ClassificationHeadConfig>> {
  static readonly className: string = 'LLFClassificationHead';

  constructor(config: ClassificationHeadConfig) {
    super(config, 'ClassificationHead', {
      units: requireInteger('ClassificationHead', 'units', config.units, 1),
      pool: requireOneOf('ClassificationHead', 'pool', config.pool ?? 'avg', ['avg', 'token']),
    });
  }

  override build(inputShape: Shape | Shape[]): void {
    const { units } = this.options;
    const dim = requireWidth(this.owner, inputShape as Shape);
    this.addWeights({
      gamma: [[dim], ones],
      beta: [[dim], zeros],
      kernel: [[dim, units], DENSE],
      bias: [[units], zeros],
    });
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [(inputShape as Shape)[0] ?? null, this.options.units];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => classifyTokens(asList(inputs)[0] as Tensor, this.options.pool, this.values()));
  }
}
serialization.registerClass(ClassificationHead);
