import {
  add,
  matMul,
  max,
  maximum,
  mean,
  min,
  mul,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { argumentError, requireNumber, requireShape } from '../core/checks.js';

/**
 * The squared directed Hausdorff distance of each pair of clouds: how far the remotest point of `from` is from `to`.
 *
 * Clouds `[B, P, D]` and `[B, N, D]`, float32, to `[B]`, in squared units of the points. The gradient flows into both, to the
 * remotest point and its nearest.
 *
 * @throws If the clouds are not of rank 3 with equal batch and dimension.
 *
 * Source: the term that ties a completion to its partial shape; Lu et al., arXiv 2302.09649. Whether the authors square it is
 * not known to us.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { directedHausdorff } from 'tfjs-llf';
 *
 * const partial = tf.tensor3d([[[0, 0, 0], [1, 0, 0]]]);
 * const [distance] = await directedHausdorff(partial, tf.tensor3d([[[0, 0, 2], [1, 0, 0], [9, 9, 9]]])).data();
 * if (Math.abs((distance ?? 0) - 1) > 1e-5) throw new Error('from [0, 0, 0] to [1, 0, 0]');
 * ```
 */
export function directedHausdorff(from: Tensor, to: Tensor): Tensor1D {
  const [batch = null, , width = null] = requireShape('directedHausdorff', 'from', from.shape, [
    'batch',
    'points',
    'dim',
  ]);
  requireShape('directedHausdorff', 'to', to.shape, [batch, 'points', width]);
  return tidy(() => {
    const squares = (points: Tensor): Tensor => sum(square(points), 2, true);
    const products = matMul(from, to, false, true);
    const distances = add(sub(squares(from), mul(products, 2)), transpose(squares(to), [0, 2, 1]));
    // The three terms of equal points may cancel to a little less than nothing.
    return max(min(maximum(distances, 0), 2), 1) as Tensor1D;
  });
}

/** Options of {@link completionLoss}. */
export interface CompletionLossConfig {
  /** Tells complete clouds `[B, N, 3]` (1) from made ones (0), as `[B, 1]`. Default: none, and no adversary term. */
  judge?: LayersModel;
  /** Weight of the adversary term. Default 1. */
  adversary?: number;
  /** Weight of the distance from the partial shape. Default 10. */
  distance?: number;
}

/**
 * The loss of a completion: that a judge takes it for a complete shape, and that it covers the partial one.
 *
 * Returns a loss for `compile`, of the partial clouds `[B, P, 3]` as targets and the points `[B, N, 3]` of a {@link PointFlow}:
 * `adversary` · mean (judge(points) − 1)² + `distance` · mean {@link directedHausdorff}(partial, points). The gradient flows into
 * the points; the judge's weights are not touched. For `fit` give the flow's input the shape `[null, 3]`, or it asks for as many
 * partial points as it makes. The judge itself learns by `'meanSquaredError'`, from complete clouds with
 * target 1 and made ones with target 0, in turn with the flow: the two halves of a least-squares GAN.
 *
 * @throws If a weight is negative or not finite, or `adversary` is given without a judge.
 *
 * Source: Lu et al., arXiv 2302.09649, whose weights are not known: the defaults are ours.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { completionLoss } from 'tfjs-llf';
 *
 * const judge = tf.sequential();
 * judge.add(tf.layers.globalMaxPooling1d({ inputShape: [null, 3] }));
 * judge.add(tf.layers.dense({ units: 1 }));
 * const loss = completionLoss({ judge });
 * const [value = 0] = await loss(tf.zeros([2, 5, 3]), tf.ones([2, 8, 3])).data();
 * if (value < 10 * 3) throw new Error('each point is three away, squared');
 * ```
 */
export function completionLoss(config: CompletionLossConfig = {}): (partial: Tensor, points: Tensor) => Tensor {
  const owner = 'completionLoss';
  const { judge, adversary = judge ? 1 : 0, distance = 10 } = config;
  requireNumber(owner, 'adversary', adversary, 0);
  requireNumber(owner, 'distance', distance, 0);
  if (adversary > 0 && !judge) throw argumentError(owner, 'judge', 'a model, as adversary has a weight', judge);
  return (partial, points) =>
    tidy(() => {
      const apart = mul(mean(directedHausdorff(partial, points)), distance);
      if (!judge || adversary === 0) return apart;
      const verdict = judge.apply(points, { training: true }) as Tensor;
      return add(mul(mean(square(sub(verdict, 1))), adversary), apart);
    });
}
