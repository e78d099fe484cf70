import { clone, ones, serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { argumentError, requireBoolean, requireInteger, requireRank } from '../core/checks.js';
import type { LayerArgs, Shape } from '../core/layer.js';
import { stopGradient } from '../ops/stop_gradient.js';
import { matchTokens, mergeTokens } from './token_merging.js';

/** Configuration of {@link TokenMerger}. */
export interface TokenMergerConfig extends LayerArgs {
  /** Tokens to merge away, per image; at most about half of them. */
  prune: number;
  /** Whether token 0 is a class token, which is never merged away and stays first. Default true. */
  classToken?: boolean;
}

/**
 * Merges similar tokens instead of dropping them (ToMe), the rival of token pruning.
 *
 * **Input** `[tokens, keys]` or `[tokens, keys, sizes]`: tokens `[B, M, D]`, keys `[B, M, d]` as
 * `transformerBlock({ extraOutput: 'keys' })` returns them, sizes `[B, M]` as this layer returns them; all float32.
 * **Output** `[merged, sizes]`: `[B, M - prune, D]` and `[B, M - prune]`, the number of patches that each token stands
 * for. Hand both to the next block, which weighs its attention by the sizes.
 *
 * No weights. Gradients flow to the tokens; none to keys and sizes. **Errors** at construction for a `prune` that is not
 * a whole number of at least 0; when it is connected for one above the tokens at even places (the class token not
 * counted), or for inputs that do not fit each other.
 *
 * Source: Bolya et al., "Token Merging" (ICLR 2023): bipartite matching by cosine of the keys, size-weighted means,
 * proportional attention. It merges between blocks, as every router here; the paper merges between the attention and
 * the perceptron of a block.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { TokenMerger, transformerBlock } from 'tfjs-llf';
 *
 * const tokens = tf.input({ shape: [17, 32] });
 * const block = transformerBlock({ heads: 4, extraOutput: 'keys' });
 * const merged = new TokenMerger({ prune: 4 }).apply(block.apply(tokens)) as tf.SymbolicTensor[];
 * const next = transformerBlock({ heads: 4 }).apply(merged) as tf.SymbolicTensor;
 * if (next.shape.join() !== ',13,32') throw new Error('13 of 17 tokens are left');
 * ```
 */
export class TokenMerger extends layers.Layer {
  static readonly className: string = 'LLFTokenMerger';

  readonly prune: number;
  readonly classToken: boolean;

  constructor(config: TokenMergerConfig) {
    super(config);
    this.prune = requireInteger('TokenMerger', 'prune', config.prune, 0);
    this.classToken = requireBoolean('TokenMerger', 'classToken', config.classToken ?? true);
  }

  override build(inputShape: Shape | Shape[]): void {
    this.computeOutputShape(inputShape);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape[] {
    if (!Array.isArray(inputShape[0]) || inputShape.length < 2 || inputShape.length > 3)
      throw argumentError('TokenMerger', 'inputs', '[tokens, keys] or [tokens, keys, sizes]', inputShape);
    const [tokens, keys, sizes] = inputShape as [Shape, Shape, Shape | undefined];
    requireRank('TokenMerger', 'tokens', tokens, 3, '[batch, tokens, dim]');
    const [batch = null, count, dim = null] = tokens;
    if (count == null) throw argumentError('TokenMerger', 'tokens', 'of a known number', tokens);
    if (keys.length !== 3 || keys[1] !== count)
      throw argumentError('TokenMerger', 'keys', `of shape [batch, ${count}, depth]`, keys);
    if (sizes !== undefined && (sizes.length !== 2 || sizes[1] !== count))
      throw argumentError('TokenMerger', 'sizes', `of shape [batch, ${count}]`, sizes);
    const most = count < 2 ? 0 : Math.ceil(count / 2) - (this.classToken ? 1 : 0);
    requireInteger('TokenMerger', 'prune', this.prune, 0, most);
    return [
      [batch, count - this.prune, dim],
      [batch, count - this.prune],
    ];
  }

  override call(inputs: Tensor | Tensor[]): Tensor[] {
    return tidy(() => {
      const [tokens, keys, given] = inputs as [Tensor, Tensor, Tensor | undefined];
      const sizes = given ? stopGradient(given) : ones(tokens.shape.slice(0, 2));
      if (this.prune === 0) return [clone(tokens), sizes];
      const merged = mergeTokens(tokens, sizes, matchTokens(stopGradient(keys), this.prune, this.classToken));
      return [merged.tokens, merged.sizes];
    });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), prune: this.prune, classToken: this.classToken };
  }
}
serialization.registerClass(TokenMerger);
