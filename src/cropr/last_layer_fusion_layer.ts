import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireShape } from '../core/checks.js';
import { ConfiguredLayer, type LayerArgs, type Options, type Shape, shapeList } from '../core/layer.js';
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
export class LastLayerFusion extends ConfiguredLayer<Options<LastLayerFusionConfig, LayerArgs>> {
  static readonly className: string = 'LLFLastLayerFusion';

  constructor(config: LastLayerFusionConfig = {}) {
    super(config, 'LastLayerFusion', {
      restoreOrder: requireBoolean('LastLayerFusion', 'restoreOrder', config.restoreOrder ?? false),
    });
  }

  override build(inputShape: Shape | Shape[]): void {
    this.computeOutputShape(inputShape);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const { restoreOrder } = this.options;
    const shapes = shapeList(inputShape);
    const tokens = restoreOrder ? shapes.slice(0, shapes.length / 2) : shapes;
    if (tokens.length < 2 || (restoreOrder && shapes.length % 2 === 1))
      throw argumentError(
        this.owner,
        'inputs',
        restoreOrder ? '[kept, pruned, ..., keptIds, prunedIds, ...]' : '[kept, pruned, ...]',
        shapes,
      );
    const [batch = null, , dim = null] = tokens[0] as Shape;
    for (const [i, shape] of tokens.entries()) {
      requireShape(this.owner, `inputs[${i}]`, shape, ['batch', 'tokens?', dim]);
      const ids = shapes[tokens.length + i];
      if (ids) requireShape(this.owner, `inputs[${tokens.length + i}]`, ids, ['batch', shape[1] ?? null]);
    }
    const counts = tokens.map((shape) => shape[1] ?? null);
    const total = counts.reduce((sum, count) => (sum === null || count === null ? null : sum + count), 0);
    return [batch, total, dim];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const list = inputs as Tensor[];
      if (!this.options.restoreOrder) return fuseTokens(list);
      const half = list.length / 2;
      return fuseTokens(list.slice(0, half), list.slice(half));
    });
  }
}
serialization.registerClass(LastLayerFusion);
