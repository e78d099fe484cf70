import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireInteger, requireShape } from '../core/checks.js';
import { ConfiguredLayer, type LayerArgs, type Options, type Shape, shapeList } from '../core/layer.js';
import { scatterTokens } from './reassembly.js';

/** Configuration of {@link TokenGrid}. */
export interface TokenGridConfig extends LayerArgs {
  /** Number of tokens before pruning, the class token included. */
  tokens: number;
}

/**
 * Puts the tokens that are left back to their places, with zeros where a token was pruned: what a dense task without
 * fusion has to work with.
 *
 * **Input** `[tokens, ids]`: `[B, K, D]` float32, `[B, K]` int32. **Output** `[B, tokens, D]` in the order of the ids.
 *
 * No weights; gradients flow to the tokens. **Errors** when it is connected to shapes that do not match.
 *
 * Source: Token Cropr's ablation of Last Layer Fusion ("no reactivation"); the zeros are our reading.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { TokenGrid } from 'tfjs-llf';
 *
 * const grid = new TokenGrid({ tokens: 3 }).apply([tf.tensor3d([[[5], [7]]]), tf.tensor2d([[2, 0]], [1, 2], 'int32')]);
 * if ((grid as tf.Tensor).dataSync().join() !== '7,0,5') throw new Error('each at its place');
 * ```
 */
export class TokenGrid extends ConfiguredLayer<Options<TokenGridConfig, LayerArgs>> {
  static readonly className: string = 'LLFTokenGrid';

  constructor(config: TokenGridConfig) {
    super(config, 'TokenGrid', { tokens: requireInteger('TokenGrid', 'tokens', config.tokens, 1) });
  }

  override build(inputShape: Shape | Shape[]): void {
    const shapes = shapeList(inputShape);
    const [tokens, ids] = shapes;
    if (!tokens || !ids || shapes.length !== 2) throw argumentError(this.owner, 'inputs', '[tokens, ids]', shapes);
    requireShape(this.owner, 'tokens', tokens, ['batch', 'tokens', 'dim']);
    requireShape(this.owner, 'ids', ids, ['batch', tokens[1] ?? null]);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch = null, , dim = null] = (inputShape as Shape[])[0] ?? [];
    return [batch, this.options.tokens, dim];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const [tokens, ids] = inputs as [Tensor, Tensor];
    return tidy(() => scatterTokens(tokens, ids, this.options.tokens));
  }
}
serialization.registerClass(TokenGrid);
