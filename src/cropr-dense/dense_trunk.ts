import { input, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { argumentError, requireInteger, requireNumber, requireOneOf } from '../core/checks.js';
import { deriveSeed, resolveSeed } from '../core/random.js';
import { PatchEmbedding } from '../cropr/patch_embedding_layer.js';
import { type PruningPlan, pruningPlan, tokenCounts } from '../cropr/schedule.js';
import { KERNEL_STD } from '../cropr/weights.js';
import {
  type DenseFusion,
  type DensePruningConfig,
  fuseAll,
  type Named,
  placeTokens,
  pruneTokens,
  type Removed,
  ROUTERS,
} from './dense_module.js';
import type { Grid } from './grid.js';
import { RotaryBlock } from './rotary_block_layer.js';
import { TokenIds } from './token_ids_layer.js';

/** Configuration of a transformer whose output has an answer for every patch, whatever its head. */
export interface DenseTransformerConfig {
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

/** What the auxiliary heads predict. */
export interface AuxTask {
  /** Queries of each router for a number of patches. */
  queries: (patches: number) => number;
  /** Logits of each query. */
  units: number;
}

/** The part of a model before its head. */
export interface DenseTrunk {
  image: SymbolicTensor;
  /** `[B, 1 + patches, D]`, the class token first, in order. With fusion `'logits'` those that are left. */
  tokens: SymbolicTensor;
  /** Of the tokens that are left, with fusion `'logits'`. */
  ids: SymbolicTensor | undefined;
  /** Height and width of the image. */
  size: Grid;
  /** Rows and columns of patches. */
  grid: Grid;
  /** What the modules took out, one after another. */
  removed: Removed[];
  /** Name and seed of the layers that follow. */
  named: Named;
}

/**
 * Patches, EVA-02 blocks, the pruning modules between them and fusion: what the models for dense tasks have in common. The
 * layers are named `image`, `embed`, `ids`, `block_0` ..., `router_0` ..., `aux_0` ..., `fusion`.
 */
export function denseTrunk(
  owner: string,
  config: DenseTransformerConfig,
  fusions: readonly DenseFusion[],
  aux: AuxTask,
): DenseTrunk {
  const { imageSize, patchSize, dim, heads, pruning } = config;
  const { mlpRatio = 8 / 3, kernelStd = KERNEL_STD, positionStd = KERNEL_STD } = config;
  const depth = requireInteger(owner, 'depth', config.depth, 1);
  const channels = requireInteger(owner, 'channels', config.channels, 1);
  const dropPath = requireNumber(owner, 'dropPath', config.dropPath ?? 0, 0, 0.999);
  const seed = resolveSeed(config.seed, owner);
  const named = (name: string): { name: string; seed: number } => ({ name, seed: deriveSeed(seed, name) });
  const chosen = pruning?.router ?? 'cropr';
  const router = typeof chosen === 'function' ? chosen : requireOneOf(owner, 'pruning.router', chosen, ROUTERS);
  const fusion = requireOneOf(owner, 'pruning.fusion', pruning?.fusion ?? 'lastLayer', fusions);
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
    const scores = typeof router === 'function' ? router(image, ids) : attention;
    const parts = pruneTokens(router, plan.prune[module] as number, { tokens, ids }, scores, {
      queries: aux.queries(patches),
      units: aux.units,
      named: (name) => named(`${name}_${module}`),
    });
    ({ tokens, ids } = parts.left);
    removed.push(parts.removed);
  }
  if (ids && fusion === 'end') tokens = fuseAll({ tokens, ids }, removed);
  if (ids && fusion === 'none') tokens = placeTokens({ tokens, ids }, patches + 1);
  return { image, tokens, ids: fusion === 'logits' ? ids : undefined, size, grid, removed, named };
}

/** The logits of all auxiliary heads. */
export function auxLogitsOf({ removed }: DenseTrunk): SymbolicTensor[] {
  return removed.flatMap(({ auxLogits }) => auxLogits ?? []);
}
