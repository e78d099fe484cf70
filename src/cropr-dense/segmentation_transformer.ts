import { input, type LayersModel, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { argumentError, requireInteger, requireNumber, requireOneOf } from '../core/checks.js';
import { deriveSeed, resolveSeed } from '../core/random.js';
import { PatchEmbedding } from '../cropr/patch_embedding_layer.js';
import { type PruningPlan, pruningPlan, tokenCounts } from '../cropr/schedule.js';
import { KERNEL_STD } from '../cropr/weights.js';
import {
  type DensePruningConfig,
  FUSIONS,
  fuseAll,
  fusePredictions,
  placeTokens,
  pruneTokens,
  type Removed,
  ROUTERS,
} from './dense_module.js';
import type { Grid } from './grid.js';
import { LogitMap } from './logit_map_layer.js';
import { RotaryBlock } from './rotary_block_layer.js';
import { TokenHead } from './token_head_layer.js';
import { TokenIds } from './token_ids_layer.js';

/** Configuration of {@link segmentationTransformer}. */
export interface SegmentationTransformerConfig {
  /** Side of a square image in pixels, or `[height, width]`. */
  imageSize: number | Grid;
  /** Channels of an image: 1 for grey, 3 for colour. */
  channels: number;
  /** Side of a patch in pixels; must divide the image. */
  patchSize: number;
  /** Width of the tokens, a multiple of 4 · heads. */
  dim: number;
  /** Number of blocks. */
  depth: number;
  /** Attention heads. */
  heads: number;
  /** Number of classes: logits per pixel. */
  classes: number;
  /** Hidden width of the perceptrons as a multiple of `dim`. Default 8 / 3. */
  mlpRatio?: number;
  /** Grid that rotary positions count along; see {@link RotaryBlockConfig}. Default: that of the image. */
  referenceGrid?: Grid;
  /** Stochastic depth: rises linearly over the blocks to this rate; the last block has 0. Default 0. */
  dropPath?: number;
  /** Standard deviation of the blocks' kernels at the start; see {@link TransformerBlockConfig}. Default 0.02. */
  kernelStd?: number;
  /** Standard deviation of the learned positions at the start. Default 0.02. */
  positionStd?: number;
  /** Default: no pruning. */
  pruning?: DensePruningConfig;
  /** Seed of all weights and random choices. Default: a fresh one. */
  seed?: number;
  /** Name of the model. */
  name?: string;
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
  const owner = 'segmentationTransformer';
  const { imageSize, patchSize, dim, heads, classes, pruning } = config;
  const { mlpRatio = 8 / 3, kernelStd = KERNEL_STD, positionStd = KERNEL_STD } = config;
  const depth = requireInteger(owner, 'depth', config.depth, 1);
  const channels = requireInteger(owner, 'channels', config.channels, 1);
  const dropPath = requireNumber(owner, 'dropPath', config.dropPath ?? 0, 0, 0.999);
  const seed = resolveSeed(config.seed, owner);
  const named = (name: string): { name: string; seed: number } => ({ name, seed: deriveSeed(seed, name) });
  const router = requireOneOf(owner, 'pruning.router', pruning?.router ?? 'cropr', ROUTERS);
  const fusion = requireOneOf(owner, 'pruning.fusion', pruning?.fusion ?? 'lastLayer', FUSIONS);
  if (fusion === 'logits' && router !== 'cropr')
    throw argumentError(owner, 'pruning.router', '"cropr" for fusion "logits", which needs aux heads', router);
  const plan: PruningPlan = pruning
    ? pruningPlan(owner, depth, pruning.prune, pruning.after, fusion === 'lastLayer')
    : { after: [], prune: [] };

  const [height, width] = typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize;
  const size: Grid = [requireInteger(owner, 'imageSize', height, 1), requireInteger(owner, 'imageSize', width, 1)];
  const image = input({ shape: [...size, channels], name: 'image' });
  const embedded = new PatchEmbedding({ patchSize, dim, positionStd, ...named('embed') }).apply(
    image,
  ) as SymbolicTensor;
  const grid: Grid = [size[0] / patchSize, size[1] / patchSize];
  const patches = grid[0] * grid[1];
  if ((tokenCounts(patches, plan.prune).at(-1) ?? patches) < 1)
    throw argumentError(owner, 'pruning.prune', `a schedule that leaves some of ${patches} patches`, plan.prune);

  let [tokens, ids] = (pruning ? new TokenIds({ name: 'ids' }).apply(embedded) : [embedded]) as [
    SymbolicTensor,
    SymbolicTensor?,
  ];
  const removed: Removed[] = [];
  for (let j = 0; j < depth; j++) {
    const last = j === depth - 1;
    if (last && ids && fusion === 'lastLayer') {
      tokens = fuseAll({ tokens, ids }, removed);
      ids = undefined;
    }
    const module = plan.after.indexOf(j);
    const returnAttention = module >= 0 && router === 'attention';
    const block = new RotaryBlock({
      heads,
      grid,
      referenceGrid: config.referenceGrid ?? grid,
      mlpRatio,
      dropPath: last ? 0 : (dropPath * j) / Math.max(1, depth - 1),
      returnAttention,
      kernelStd,
      ...named(`block_${j}`),
    });
    const output = block.apply(ids ? [tokens, ids] : tokens) as SymbolicTensor | SymbolicTensor[];
    const [next, attention] = Array.isArray(output) ? output : [output];
    tokens = next as SymbolicTensor;
    if (module < 0 || !ids) continue;
    const parts = pruneTokens(router, plan.prune[module] as number, { tokens, ids }, attention, {
      patches,
      classes,
      named: (name) => named(`${name}_${module}`),
    });
    ({ tokens, ids } = parts.left);
    removed.push(parts.removed);
  }
  if (ids && fusion === 'end') tokens = fuseAll({ tokens, ids }, removed);
  if (ids && fusion === 'none') tokens = placeTokens({ tokens, ids }, patches + 1);
  let logits = new TokenHead({ units: classes, ...named('head') }).apply(tokens) as SymbolicTensor;
  if (ids && fusion === 'logits') logits = fusePredictions({ tokens: logits, ids }, removed);
  const map = new LogitMap({ name: 'map', grid, size }).apply(logits) as SymbolicTensor;
  const aux = removed.flatMap(({ auxLogits }) => auxLogits ?? []);
  return model({ inputs: image, outputs: [map, ...aux], ...(config.name === undefined ? {} : { name: config.name }) });
}
