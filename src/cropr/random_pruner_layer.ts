import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import { uniformStream, uniformTensor } from '../core/random.js';
import { type Scored, TokenPruner, type TokenPrunerConfig } from './token_pruner.js';

/** Configuration of {@link RandomPruner}. */
export type RandomPrunerConfig = TokenPrunerConfig;

/**
 * Router that keeps random tokens, the control that every learned router has to beat.
 *
 * **Input** tokens `[B, M, D]` float32, or `[tokens, ids]`. **Output** `[kept, pruned, order, keptIds?, prunedIds?]` as
 * {@link CroprPruner}, without attention.
 *
 * While training each call draws anew, each image for itself; at inference the draw depends only on the seed and on
 * `[B, M]`, so that predictions repeat. No weights; gradients flow to the tokens. Errors as for `CroprPruner`.
 *
 * Source: the random pruner of Token Cropr's comparison (CVPR 2025, Table 1).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { RandomPruner } from 'tfjs-llf';
 *
 * const [kept] = new RandomPruner({ prune: 8, seed: 1 }).apply(tf.randomNormal([2, 17, 32])) as tf.Tensor[];
 * if (kept?.shape.join() !== '2,9,32') throw new Error('9 of 17 tokens stay');
 * ```
 */
export class RandomPruner extends TokenPruner {
  static readonly className: string = 'LLFRandomPruner';

  constructor(config: RandomPrunerConfig) {
    super(config, 'RandomPruner', {});
  }

  protected override score([tokens]: Tensor[], training: boolean): Scored {
    const stream = training
      ? uniformStream(...this.nextDraw('scores'))
      : uniformStream(this.seed, 'scores at inference');
    return { scores: uniformTensor(stream, (tokens as Tensor).shape.slice(0, 2)), extras: [] };
  }
}
serialization.registerClass(RandomPruner);
