import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireShape } from '../core/checks.js';
import { ConfiguredLayer, type LayerArgs, type Shape, shapeList } from '../core/layer.js';
import { fuseLogits } from './reassembly.js';

/** Configuration of {@link LogitFusion}. */
export type LogitFusionConfig = LayerArgs;

/**
 * Fusion of predictions instead of tokens: a token that was pruned keeps what the auxiliary head of that moment predicted
 * for its patch.
 *
 * **Input** `[logits, ids, auxLogits, prunedIds, ...]`: final logits `[B, K, C]` and ids `[B, K]` of the tokens that are
 * left, class token included, then for each module its head's logits `[B, P, C]`, one row per patch, and the ids `[B, R]`
 * of what it pruned. **Output** `[B, 1 + P, C]` in the order of the ids.
 *
 * No weights. Gradients flow to the final logits; the early ones are trained by their own loss. **Errors** when it is
 * connected to shapes that do not match.
 *
 * Source: DToP (Tang et al. 2023), in the comparison of Token Cropr; that the auxiliary head's query of a patch predicts
 * for its token is our reading.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { LogitFusion } from 'tfjs-llf';
 *
 * const ids = (values: number[]) => tf.tensor2d([values], undefined, 'int32');
 * const early = tf.tensor3d([[[1], [2]]]); // of both patches
 * const fused = new LogitFusion().apply([tf.tensor3d([[[0], [8]]]), ids([0, 2]), early, ids([1])]) as tf.Tensor;
 * if (fused.dataSync().join() !== '0,1,8') throw new Error('patch 1 was pruned early');
 * ```
 */
export class LogitFusion extends ConfiguredLayer<object> {
  static readonly className: string = 'LLFLogitFusion';

  constructor(config: LogitFusionConfig = {}) {
    super(config, 'LogitFusion', {});
  }

  override build(inputShape: Shape | Shape[]): void {
    const shapes = shapeList(inputShape);
    if (shapes.length < 4 || shapes.length % 2 === 1)
      throw argumentError(this.owner, 'inputs', '[logits, ids, auxLogits, prunedIds, ...]', shapes);
    const patches = (shapes[2] as Shape)[1] ?? null;
    const classes = (shapes[0] as Shape)[2] ?? null;
    for (let i = 0; i < shapes.length; i += 2) {
      const [logits, ids] = shapes.slice(i, i + 2) as [Shape, Shape];
      requireShape(this.owner, `inputs[${i}]`, logits, ['batch', i === 0 ? 'tokens' : patches, classes]);
      requireShape(this.owner, `inputs[${i + 1}]`, ids, ['batch', i === 0 ? (logits[1] ?? null) : 'pruned']);
    }
    const known = shapes.filter((_, i) => i % 2 === 1).reduce((sum, [, count]) => sum + (count ?? 0), 0);
    if (known !== (patches ?? 0) + 1)
      throw argumentError(this.owner, 'inputs', `with ids for 1 + ${patches} tokens`, known);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [[batch = null, , classes = null] = [], , [, patches = null] = []] = inputShape as Shape[];
    return [batch, patches === null ? null : patches + 1, classes];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const [logits, ids, ...rest] = inputs as [Tensor, Tensor, ...Tensor[]];
      const early = Array.from({ length: rest.length / 2 }, (_, i) => ({
        logits: rest[2 * i] as Tensor,
        prunedIds: rest[2 * i + 1] as Tensor,
      }));
      return fuseLogits(logits, ids, early);
    });
  }
}
serialization.registerClass(LogitFusion);
