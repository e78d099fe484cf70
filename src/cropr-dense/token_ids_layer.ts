import { serialization, type Tensor } from '@tensorflow/tfjs-core';
import { requireShape } from '../core/checks.js';
import { asList, ConfiguredLayer, type LayerArgs, type Shape } from '../core/layer.js';
import { idsInOrder } from './token_ids.js';

/** Configuration of {@link TokenIds}. */
export type TokenIdsConfig = LayerArgs;

/**
 * Numbers the tokens, so that routers can pass on which is which.
 *
 * **Input** tokens `[B, M, D]` float32. **Output** `[tokens, ids]`: the tokens as they are, and `[B, M]` int32, 0, 1, ... M - 1
 * in each row: the inputs of a router, and of a {@link RotaryBlock}. No weights; gradients flow to the tokens. **Errors** when
 * it is connected to another rank.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { CroprPruner, TokenIds } from 'tfjs-llf';
 *
 * const numbered = new TokenIds().apply(tf.randomNormal([2, 17, 32])) as tf.Tensor[]; // tokens and their ids
 * const outputs = new CroprPruner({ prune: 8, returnAttention: false }).apply(numbered) as tf.Tensor[];
 * if (outputs[3]?.shape.join() !== '2,9') throw new Error('the ids of the tokens that stay');
 * ```
 */
export class TokenIds extends ConfiguredLayer<object> {
  static readonly className: string = 'LLFTokenIds';

  constructor(config: TokenIdsConfig = {}) {
    super(config, 'TokenIds', {});
  }

  override build(inputShape: Shape | Shape[]): void {
    requireShape(this.owner, 'tokens', inputShape as Shape, ['batch', 'tokens', 'dim']);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape[] {
    return [[...(inputShape as Shape)], (inputShape as Shape).slice(0, 2)];
  }

  override call(inputs: Tensor | Tensor[]): Tensor[] {
    const tokens = asList(inputs)[0] as Tensor;
    const [batch, count] = tokens.shape as [number, number, number];
    return [tokens, idsInOrder(batch, count)];
  }
}
serialization.registerClass(TokenIds);
