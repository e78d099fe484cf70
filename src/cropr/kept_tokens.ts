import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { type LayersModel, model as modelOf, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { argumentError, requireShape } from '../core/checks.js';
import { TokenPruner } from './token_pruner.js';

/** The patches that are left after one pruning module. */
export interface KeptTokens {
  /** Name of the router. */
  layer: string;
  /** For each image, the places of the patches that are left, row by row from 0, ascending; no class token. */
  kept: number[][];
}

/**
 * Tells which patches of each image survive each pruning module of a model: for pictures and statistics.
 *
 * Takes images `[B, H, W, C]`, float32 as for `predict`, and a model whose routers stand one behind the other, as
 * {@link visionTransformer} builds it (stripped or not). A {@link TokenMerger} drops no patch and is not listed.
 *
 * @throws If the model has no router at its top level, or its routers do not work on each other's kept tokens.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { keptTokens, visionTransformer } from 'tfjs-llf';
 *
 * const model = visionTransformer({
 *   imageSize: 28, channels: 1, patchSize: 7, dim: 16, depth: 4, heads: 2, classes: 10, pruning: { prune: 4 },
 * });
 * const [first, second] = await keptTokens(model, tf.randomUniform([1, 28, 28, 1]));
 * if (first?.kept[0]?.length !== 11 || second?.kept[0]?.length !== 7) throw new Error('16 - 5 and 11 - 4 patches');
 * ```
 */
export async function keptTokens(model: LayersModel, images: Tensor): Promise<KeptTokens[]> {
  requireShape('keptTokens', 'images', images.shape, ['batch', 'height', 'width', 'channels']);
  const routers = model.layers.filter((layer) => layer instanceof TokenPruner);
  if (routers.length === 0) throw argumentError('keptTokens', 'model', 'one with routers', model.name);
  const orders = await rankings(model, routers, images);
  const survivors: number[][] = Array.from({ length: images.shape[0] as number }, () => []);
  return routers.map(({ name, rate, options: { classToken } }, i) => {
    const ranked = orders[i] as number[][];
    const kept = ranked.map((order, image) => {
      const ids = i === 0 ? order.map((_, id) => id) : (survivors[image] as number[]);
      if (order.length !== ids.length)
        throw argumentError(
          'keptTokens',
          `model: ${name}`,
          `behind the router before, on ${ids.length} tokens`,
          order.length,
        );
      const left = order.slice(0, order.length - rate).map((place) => ids[place] as number);
      survivors[image] = left;
      const first = classToken ? 1 : 0;
      return left
        .filter((id) => id >= first)
        .map((id) => id - first)
        .sort((a, b) => a - b);
    });
    return { layer: name, kept };
  });
}

/** For each router the ranking of each image's tokens, `[routers][B][M]`. */
async function rankings(model: LayersModel, routers: readonly TokenPruner[], images: Tensor): Promise<number[][][]> {
  const outputs = routers.map((router) => (router.getOutputAt(0) as SymbolicTensor[])[2] as SymbolicTensor);
  const ranker = modelOf({ inputs: model.inputs, outputs });
  const orders = tidy(() => {
    const predicted = ranker.predict(images, { batchSize: images.shape[0] as number });
    return Array.isArray(predicted) ? predicted : [predicted];
  });
  try {
    return (await Promise.all(orders.map((order) => order.array()))) as number[][][];
  } finally {
    for (const order of orders) order.dispose();
  }
}
