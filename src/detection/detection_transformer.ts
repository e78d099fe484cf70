import { type LayersModel, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { DenseFusion, DensePruningConfig } from '../cropr-dense/dense_module.js';
import { auxLogitsOf, type DenseTransformerConfig, denseTrunk } from '../cropr-dense/dense_trunk.js';
import { DetectionHead } from './detection_head_layer.js';

/** What becomes of pruned tokens in a {@link detectionTransformer}; see {@link DenseFusion}. */
export type DetectionFusion = Exclude<DenseFusion, 'logits'>;

/** Pruning of a {@link detectionTransformer}. */
export interface DetectionPruningConfig extends DensePruningConfig {
  /** Default `'lastLayer'`. */
  fusion?: DetectionFusion;
}

/** Masks of a {@link detectionTransformer}. */
export interface DetectionMaskConfig {
  /** Number of prototypes, of which each mask is a sum. Also the most objects of an image that train masks. Default 16. */
  prototypes?: number;
  /** Pixels of a prototype along the side of a patch; must divide the patch. Default `patchSize`: as fine as the image. */
  resolution?: number;
}

/** Configuration of {@link detectionTransformer}. */
export interface DetectionTransformerConfig extends DenseTransformerConfig {
  /** Number of classes. */
  classes: number;
  /** Masks beside the boxes; `{}` for the defaults. Default: boxes alone. */
  masks?: DetectionMaskConfig;
  /** Width of the head's hidden layer as a multiple of `dim`. Default 1. */
  headRatio?: number;
  /** Default: no pruning. */
  pruning?: DetectionPruningConfig;
}

const FUSIONS: readonly DetectionFusion[] = ['lastLayer', 'end', 'none'];

/**
 * Builds a transformer that detects objects, with boxes and masks: EVA-02 blocks on one grid of patches, pruning modules
 * between them where asked for, and a {@link DetectionHead} on all patches, as a plain `LayersModel`.
 *
 * **Input** images `[B, height, width, channels]` float32. **Outputs** the numbers of the cells `[B, patches, units]`, and with
 * the router `'cropr'` for each module logits `[B, classes]`: its one query predicts which classes are in the image. Compile
 * with {@link detectionLoss}, pass {@link detectionTargets}, read with {@link detect}; `stripAuxHeads` makes the inference model.
 *
 * **Layers** are named `image`, `embed`, `ids`, `block_0` ..., `router_0` ..., `aux_0` ..., `fusion`, `head`. **Gradients** of
 * the main loss reach the backbone, of the auxiliary losses the queries and aux heads only.
 *
 * **Errors** here, by the name of the argument: numbers out of range, a schedule that does not fit the depth or leaves no
 * token.
 *
 * Source: Token Cropr (CVPR 2025), whose detectors are not published: one query and its task are the paper's, the head is not
 * (there a Cascade Mask R-CNN).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { detectionLoss, detectionTargets, detectionTransformer } from 'tfjs-llf';
 *
 * const model = detectionTransformer({
 *   imageSize: 32, channels: 1, patchSize: 8, dim: 16, depth: 4, heads: 2, classes: 3, pruning: { prune: 4 },
 * });
 * model.compile({ optimizer: 'adam', loss: detectionLoss(model) });
 * const objects = [[{ label: 2, box: [3, 4, 20, 18] as const }], []]; // the second image is empty
 * await model.fit(tf.zeros([2, 32, 32, 1]), detectionTargets(objects, model), { verbose: 0 });
 * ```
 */
export function detectionTransformer(config: DetectionTransformerConfig): LayersModel {
  const { classes, patchSize, masks, headRatio, name } = config;
  const trunk = denseTrunk('detectionTransformer', config, FUSIONS, { queries: () => 1, units: classes });
  const { image, tokens, grid, named } = trunk;
  const head = new DetectionHead({
    classes,
    grid,
    patchSize,
    ...(masks && { prototypes: masks.prototypes ?? 16, resolution: masks.resolution ?? patchSize }),
    ...(headRatio !== undefined && { mlpRatio: headRatio }),
    ...named('head'),
  });
  const cells = head.apply(tokens) as SymbolicTensor;
  return model({ inputs: image, outputs: [cells, ...auxLogitsOf(trunk)], ...(name === undefined ? {} : { name }) });
}
