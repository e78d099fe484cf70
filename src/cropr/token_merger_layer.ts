import { clone, ones, serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireInteger, requireShape } from '../core/checks.js';
import { ConfiguredLayer, type LayerArgs, type Options, type Shape, shapeList } from '../core/layer.js';
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
export class TokenMerger extends ConfiguredLayer<Options<TokenMergerConfig, LayerArgs>> {
  static readonly className: string = 'LLFTokenMerger';

  constructor(config: TokenMergerConfig) {
    super(config, 'TokenMerger', {
      prune: requireInteger('TokenMerger', 'prune', config.prune, 0),
      classToken: requireBoolean('TokenMerger', 'classToken', config.classToken ?? true),
    });
  }

  override build(inputShape: Shape | Shape[]): void {
    this.computeOutputShape(inputShape);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape[] {
    const shapes = shapeList(inputShape);
    if (shapes.length < 2 || shapes.length > 3)
      throw argumentError(this.owner, 'inputs', '[tokens, keys] or [tokens, keys, sizes]', shapes);
    const [tokens, keys, sizes] = shapes as [Shape, Shape, Shape?];
    const { prune, classToken } = this.options;
    const shape = requireShape(this.owner, 'tokens', tokens, ['batch', 'tokens', 'dim']);
    const [batch, count, dim] = shape as [number | null, number, number];
    requireShape(this.owner, 'keys', keys, ['batch', count, 'depth']);
    if (sizes) requireShape(this.owner, 'sizes', sizes, ['batch', count]);
    const most = count < 2 ? 0 : Math.ceil(count / 2) - (classToken ? 1 : 0);
    requireInteger(this.owner, 'prune', prune, 0, most);
    return [
      [batch, count - prune, dim],
      [batch, count - prune],
    ];
  }

  override call(inputs: Tensor | Tensor[]): Tensor[] {
    return tidy(() => {
      const { prune, classToken } = this.options;
      const [tokens, keys, given] = inputs as [Tensor, Tensor, Tensor | undefined];
      const sizes = given ? stopGradient(given) : ones(tokens.shape.slice(0, 2));
      if (prune === 0) return [clone(tokens), sizes];
      const merged = mergeTokens(tokens, sizes, matchTokens(stopGradient(keys), prune, classToken));
      return [merged.tokens, merged.sizes];
    });
  }
}
serialization.registerClass(TokenMerger);
