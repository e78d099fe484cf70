import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import { requireShape } from '../core/checks.js';
import type { Shape } from '../core/layer.js';
import { type Scored, TokenPruner, type TokenPrunerConfig } from './token_pruner.js';

/** Configuration of {@link AttentionPruner}. */
export type AttentionPrunerConfig = TokenPrunerConfig;

/**
 * Router that keeps the tokens which the class token attends to most in the block before (attention top-k).
 *
 * **Input** `[tokens, attention]` or `[tokens, attention, ids]`: tokens `[B, M, D]` float32, attention `[B, M]` float32 as
 * `transformerBlock({ extraOutput: 'classAttention' })` returns it. **Output** `[kept, pruned, order, keptIds?,
 * prunedIds?]` as {@link CroprPruner}, without attention.
 *
 * No weights; gradients flow to the tokens, none through the score. Errors as for `CroprPruner`, and for an attention
 * that is not `[B, M]`.
 *
 * Source: "Attn Top-K" of Token Cropr's comparison (CVPR 2025, Table 1); the mean over heads is our reading.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { AttentionPruner, transformerBlock } from 'tfjs-llf';
 *
 * const tokens = tf.input({ shape: [17, 32] });
 * const block = transformerBlock({ heads: 4, extraOutput: 'classAttention' });
 * const [kept] = new AttentionPruner({ prune: 8 }).apply(block.apply(tokens)) as tf.SymbolicTensor[];
 * if (kept?.shape.join() !== ',9,32') throw new Error('9 of 17 tokens stay');
 * ```
 */
export class AttentionPruner extends TokenPruner {
  static readonly className: string = 'LLFAttentionPruner';

  constructor(config: AttentionPrunerConfig) {
    super(config, 'AttentionPruner', {});
  }

  protected override readonly scoreInputs: number = 2;

  protected override buildScorer([tokens = [], attention = []]: Shape[]): void {
    requireShape(this.owner, 'attention', attention, ['batch', tokens[1] ?? null]);
  }

  protected override score([, attention]: Tensor[]): Scored {
    return { scores: attention as Tensor, extras: [] };
  }
}
serialization.registerClass(AttentionPruner);
