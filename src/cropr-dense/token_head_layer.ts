import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { requireInteger } from '../core/checks.js';
import { ones, zeros } from '../core/laws.js';
import { asList, type Options, type SeededArgs, SeededLayer, type Shape } from '../core/layer.js';
import { BLOCK_EPSILON } from '../cropr/aggregation.js';
import type { ClassifierWeights } from '../cropr/transformer.js';
import { DENSE, requireWidth } from '../cropr/weights.js';
import { layerNorm } from '../ops/layer_norm.js';
import { linear } from '../ops/linear.js';

/** Configuration of {@link TokenHead}. */
export interface TokenHeadConfig extends SeededArgs {
  /** Numbers per token: classes, say. */
  units: number;
}

/**
 * Head of a dense task: normalises each token and maps it to logits.
 *
 * **Input** tokens `[B, M, D]` float32. **Output** `[B, M, units]`, without softmax.
 *
 * **Weights** `gamma`, `beta [D]` (epsilon 1e-6), `kernel [D, units]`, `bias`. **Gradients** flow to tokens and weights.
 *
 * Source: the segmentation models of Token Cropr (CVPR 2025).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { TokenHead } from 'tfjs-llf';
 *
 * const logits = new TokenHead({ units: 5 }).apply(tf.randomNormal([2, 17, 32])) as tf.Tensor;
 * if (logits.shape.join() !== '2,17,5') throw new Error('one row per token');
 * ```
 */
export class TokenHead extends SeededLayer<Options<TokenHeadConfig>> {
  static readonly className: string = 'LLFTokenHead';

  constructor(config: TokenHeadConfig) {
    super(config, 'TokenHead', { units: requireInteger('TokenHead', 'units', config.units, 1) });
  }

  override build(inputShape: Shape | Shape[]): void {
    const dim = requireWidth(this.owner, inputShape as Shape);
    const { units } = this.options;
    this.addWeights({
      gamma: [[dim], ones],
      beta: [[dim], zeros],
      kernel: [[dim, units], DENSE],
      bias: [[units], zeros],
    });
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch = null, count = null] = inputShape as Shape;
    return [batch, count, this.options.units];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const { gamma, beta, kernel, bias } = this.values<ClassifierWeights>();
      return linear(layerNorm(asList(inputs)[0] as Tensor, gamma, beta, BLOCK_EPSILON), kernel, bias);
    });
  }
}
serialization.registerClass(TokenHead);
