import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import { stopGradient } from '../ops/stop_gradient.js';
import { featureVariance } from './scoring.js';
import { type Scored, TokenPruner, type TokenPrunerConfig } from './token_pruner.js';

/** Configuration of {@link VariancePruner}. */
export type VariancePrunerConfig = TokenPrunerConfig;

/**
 * Router that keeps the tokens whose features vary most, a rival that learns nothing.
 *
 * **Input** tokens `[B, M, D]` float32, or `[tokens, ids]`. **Output** `[kept, pruned, order, keptIds?, prunedIds?]` as
 * {@link CroprPruner}, without attention. The score is the variance over the D features of a token.
 *
 * No weights; gradients flow to the tokens, none through the score. Errors as for `CroprPruner`.
 *
 * Source: the variance pruner of Token Cropr's comparison (CVPR 2025, Table 1), whose code is not published; the variance
 * over features is our reading.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { VariancePruner } from 'tfjs-llf';
 *
 * const tokens = tf.tensor3d([[[1, 1], [5, -5], [2, 0]]]);
 * const [kept] = new VariancePruner({ prune: 2, classToken: false }).apply(tokens) as tf.Tensor[];
 * if (kept?.dataSync().join() !== '5,-5') throw new Error('the token with the largest variance stays');
 * ```
 */
export class VariancePruner extends TokenPruner {
  static readonly className: string = 'LLFVariancePruner';

  constructor(config: VariancePrunerConfig) {
    super(config, 'VariancePruner', {});
  }

  protected override score([tokens]: Tensor[]): Scored {
    return { scores: featureVariance(stopGradient(tokens as Tensor)), extras: [] };
  }
}
serialization.registerClass(VariancePruner);
