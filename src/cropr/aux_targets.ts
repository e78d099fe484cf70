import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/**
 * Repeats the targets for every output of a model: the logits and each aux head get the same, as in the paper.
 *
 * Takes targets of any shape and returns a list of references to the one tensor, no copies, for `fit`, `evaluate` or
 * `trainOnBatch`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { auxTargets, visionTransformer } from 'tfjs-llf';
 *
 * const model = visionTransformer({
 *   imageSize: 28, channels: 1, patchSize: 7, dim: 16, depth: 4, heads: 2, classes: 10, pruning: { prune: 4 },
 * });
 * const targets = auxTargets(tf.oneHot([1, 7], 10), model); // logits and two aux heads
 * if (targets.length !== 3) throw new Error('one for each output');
 * ```
 */
export function auxTargets<T extends Tensor>(y: T, model: LayersModel): T[] {
  return model.outputs.map(() => y);
}
