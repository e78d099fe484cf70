import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { argumentError, requireBoolean } from '../core/checks.js';
import type { LayerArgs, Shape } from '../core/layer.js';
import { fuseTokens } from './routing.js';

/** Configuration of {@link LastLayerFusion}. */
export interface LastLayerFusionConfig extends LayerArgs {
  /** Put the tokens back into the order of their ids, which the second half of the inputs holds. Default false. */
  restoreOrder?: boolean;
}

/**
 * Last Layer Fusion of Token Cropr: brings all pruned tokens back before the last block.
 *
 * **Input** `[kept, pruned, ...]`, each `[B, M_i, D]`; with `restoreOrder` followed by their ids in the same sequence,
 * each `[B, M_i]` int32. **Output** `[B, sum of M_i, D]`: the kept tokens first, or in the order of the ids.
 *
 * No weights. Gradients flow to the tokens. **Errors** when it is connected: fewer than two inputs, tokens of different
 * widths, ids that do not match their tokens.
 *
 * Source: Token Cropr (CVPR 2025), Last Layer Fusion. The authors restore the order after the last block; before it, the
 * result is the same.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { CroprPruner, LastLayerFusion } from 'tfjs-llf';
 *
 * const tokens = tf.randomNormal([2, 17, 32]);
 * const [kept, pruned] = new CroprPruner({ prune: 8 }).apply(tokens) as tf.Tensor[];
 * const all = new LastLayerFusion().apply([kept, pruned]) as tf.Tensor;
 * if (all.shape.join() !== '2,17,32') throw new Error('every token is back');
 * ```
 */
export class LastLayerFusion extends layers.Layer {
  static readonly className: string = 'LLFLastLayerFusion';

  readonly restoreOrder: boolean;

  constructor(config: LastLayerFusionConfig = {}) {
    super(config);
    this.restoreOrder = requireBoolean('LastLayerFusion', 'restoreOrder', config.restoreOrder ?? false);
  }

  override build(inputShape: Shape | Shape[]): void {
    this.computeOutputShape(inputShape);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    if (!Array.isArray(inputShape[0]))
      throw argumentError('LastLayerFusion', 'inputs', 'a list of tensors', inputShape);
    const shapes = inputShape as Shape[];
    const tokens = this.restoreOrder ? shapes.slice(0, shapes.length / 2) : shapes;
    if (tokens.length < 2 || (this.restoreOrder && shapes.length % 2 === 1))
      throw argumentError(
        'LastLayerFusion',
        'inputs',
        this.restoreOrder ? '[kept, pruned, ..., keptIds, prunedIds, ...]' : '[kept, pruned, ...]',
        shapes,
      );
    const [batch = null, , dim = null] = tokens[0] as Shape;
    for (const [i, shape] of tokens.entries()) {
      if (shape.length !== 3 || shape[2] !== dim)
        throw argumentError('LastLayerFusion', `inputs[${i}]`, `of shape [batch, tokens, ${dim}]`, shape);
      const ids = shapes[tokens.length + i];
      if (ids !== undefined && (ids.length !== 2 || ids[1] !== shape[1]))
        throw argumentError(
          'LastLayerFusion',
          `inputs[${tokens.length + i}]`,
          `ids of shape [batch, ${shape[1]}]`,
          ids,
        );
    }
    const counts = tokens.map((shape) => shape[1] ?? null);
    const total = counts.includes(null) ? null : counts.reduce<number>((sum, count) => sum + (count as number), 0);
    return [batch, total, dim];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const list = inputs as Tensor[];
      if (!this.restoreOrder) return fuseTokens(list);
      const half = list.length / 2;
      return fuseTokens(list.slice(0, half), list.slice(half));
    });
  }

  override getConfig(): serialization.ConfigDict {
    return { ...super.getConfig(), restoreOrder: this.restoreOrder };
  }
}
serialization.registerClass(LastLayerFusion);
