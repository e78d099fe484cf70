import { argumentError, requireNumber } from '../core/checks.js';

/** Options of {@link layerDecay}. */
export interface LayerDecayConfig {
  /** Factor from each layer to the one before it, in (0, 1]. */
  decay: number;
  /** Names of the layers that are slowed down, from input to output. A nested model's name stands for all in it. */
  order: readonly string[];
}

/**
 * The factors of a layer-wise learning-rate decay, for {@link LayerwiseLearningRate}: the last of n layers gets
 * `decay`, the one before `decay ** 2`, the first `decay ** n`; layers that are not listed get 1.
 *
 * Takes and returns plain values. A vision transformer of L blocks lists its embedding and blocks, so that block j has
 * `decay ** (L - j)`, the embedding `decay ** (L + 1)`, and head, norms and Cropr modules 1.
 *
 * Source: recipe of Bergner et al., "Token Cropr" (0.75 for classification, 0.9 for segmentation), after BEiT.
 *
 * @throws If `decay` is not in (0, 1] or `order` names a layer twice.
 *
 * @example
 * ```ts
 * import { layerDecay, LayerwiseLearningRate } from 'tfjs-llf';
 *
 * const order = ['embed', 'block_0', 'block_1', 'block_2'];
 * const callback = new LayerwiseLearningRate({ scale: layerDecay({ decay: 0.75, order }) });
 * ```
 */
export function layerDecay({ decay, order }: LayerDecayConfig): (layer: string) => number {
  requireNumber('layerDecay', 'decay', decay, Number.MIN_VALUE, 1);
  if (new Set(order).size < order.length)
    throw argumentError('layerDecay', 'order', 'a list of different names', order);
  return (layer) => {
    const place = order.findIndex((name) => layer === name || layer.startsWith(`${name}/`));
    return place < 0 ? 1 : decay ** (order.length - place);
  };
}
