import { type LayersModel, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { FUSIONS, fusePredictions } from './dense_module.js';
import { auxLogitsOf, type DenseTransformerConfig, denseTrunk } from './dense_trunk.js';
import { LogitMap } from './logit_map_layer.js';
import { TokenHead } from './token_head_layer.js';

/** Configuration of {@link segmentationTransformer}. */
export interface SegmentationTransformerConfig extends DenseTransformerConfig {
  /** Number of classes: logits per pixel. */
  classes: number;
}

/**
 * Builds a transformer for semantic segmentation, EVA-02 blocks and a linear decoder per patch, with pruning modules
 * between the blocks where asked for, as a plain `LayersModel`.
 *
 * **Input** images `[B, height, width, channels]` float32. **Outputs** logits `[B, height, width, classes]`, bilinear from
 * the patch grid, and with the router `'cropr'` for each module logits `[B, patches, classes]`: one query per patch
 * predicts its label. Compile with {@link segmentationLoss} and pass {@link segmentationTargets}; `stripAuxHeads` makes the
 * inference model (of fusion `'logits'`, which needs the heads, there is none).
 *
 * **Layers** are named `image`, `embed`, `ids`, `block_0` ..., `router_0` ..., `aux_0` ..., `fusion`, `head`, `map`.
 * **Gradients** of the main loss reach the backbone, of the auxiliary losses the queries and aux heads only.
 *
 * **Errors** here, by the name of the argument: numbers out of range, a schedule that does not fit the depth or leaves no
 * token, fusion `'logits'` without aux heads.
 *
 * Source: Token Cropr (CVPR 2025), the segmentation models, after Segmenter and EVA-02. The rivals are our reading.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { segmentationTransformer, stripAuxHeads } from 'tfjs-llf';
 *
 * const model = segmentationTransformer({
 *   imageSize: 32, channels: 3, patchSize: 8, dim: 16, depth: 5, heads: 2, classes: 5, pruning: { prune: 3 },
 * });
 * const logits = stripAuxHeads(model).predict(tf.zeros([1, 32, 32, 3])) as tf.Tensor;
 * if (logits.shape.join() !== '1,32,32,5') throw new Error('logits for each pixel');
 * ```
 */
export function segmentationTransformer(config: SegmentationTransformerConfig): LayersModel {
  const { classes, name } = config;
  const trunk = denseTrunk('segmentationTransformer', config, FUSIONS, {
    queries: (patches) => patches,
    units: classes,
  });
  const { image, tokens, ids, grid, size, removed, named } = trunk;
  let logits = new TokenHead({ units: classes, ...named('head') }).apply(tokens) as SymbolicTensor;
  if (ids) logits = fusePredictions({ tokens: logits, ids }, removed);
  const map = new LogitMap({ name: 'map', grid, size }).apply(logits) as SymbolicTensor;
  return model({ inputs: image, outputs: [map, ...auxLogitsOf(trunk)], ...(name === undefined ? {} : { name }) });
}
