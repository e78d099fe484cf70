import { input, type LayersModel, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { argumentError, requireInteger, requireNumber } from '../core/checks.js';
import { deriveSeed, resolveSeed } from '../core/random.js';
import { ClassificationHead } from './classification_head_layer.js';
import { LastLayerFusion } from './last_layer_fusion_layer.js';
import { PatchEmbedding } from './patch_embedding_layer.js';
import { applyRouter, BLOCK_OUTPUT, chosenRouter, type PruningConfig, type Sequence } from './pruning_module.js';
import { type PruningPlan, pruningPlan, tokenCounts } from './schedule.js';
import type { Pool } from './transformer.js';
import { TransformerBlock } from './transformer_block_layer.js';
import { KERNEL_STD } from './weights.js';

/** Configuration of {@link visionTransformer}. */
export interface VisionTransformerConfig {
  /** Side of a square image in pixels, or `[height, width]`. */
  imageSize: number | readonly [number, number];
  /** Channels of an image: 1 for grey, 3 for colour. */
  channels: number;
  /** Side of a patch in pixels; must divide the image. */
  patchSize: number;
  /** Width of the tokens. */
  dim: number;
  /** Number of blocks. */
  depth: number;
  /** Attention heads; must divide `dim`. */
  heads: number;
  /** Number of classes: logits per image. */
  classes: number;
  /** Hidden width of the perceptrons as a multiple of `dim`. Default 4. */
  mlpRatio?: number;
  /** `'avg'`: mean over all tokens that reach the head; `'token'`: the class token. Default `'avg'`. */
  pool?: Pool;
  /** Stochastic depth: rises linearly over the blocks to this rate; with pruning the last block has 0. Default 0. */
  dropPath?: number;
  /** Standard deviation of the blocks' kernels at the start; see {@link TransformerBlockConfig}. Default 0.02. */
  kernelStd?: number;
  /** Standard deviation of the positions at the start; see {@link PatchEmbeddingConfig}. Default 0.02. */
  positionStd?: number;
  /** Default: no pruning. */
  pruning?: PruningConfig;
  /** Seed of all weights and random choices. Default: a fresh one. */
  seed?: number;
  /** Name of the model. */
  name?: string;
}

/**
 * Builds a classifying vision transformer, with a pruning module between blocks where asked for, as a plain
 * `LayersModel`.
 *
 * **Input** images `[B, height, width, channels]` float32. **Outputs** logits `[B, classes]`, and with the routers
 * `'cropr'` and `'nonSalient'` one set of auxiliary logits per module after it, so that the standard `fit` trains it:
 * compile with one loss (it serves all outputs, weights 1) and pass `auxTargets(y, model)`. For inference drop the aux
 * heads with {@link stripAuxHeads}.
 *
 * **Layers** are named `image`, `embed`, `block_0` ..., `router_0` ..., `aux_0` ..., `fusion`, `head`. **Gradients** of the
 * main loss reach the backbone, of the auxiliary losses the queries and aux heads only.
 *
 * **Errors** here, by the name of the argument: numbers out of range, a schedule that does not fit the depth or leaves no
 * token, fusion with `'tome'`.
 *
 * Source: Token Cropr (CVPR 2025), network assembly of the classification models. With `after` given, the first module
 * prunes R + 1 too, which the paper leaves open.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { auxTargets, crossEntropy, visionTransformer } from 'tfjs-llf';
 *
 * const model = visionTransformer({
 *   imageSize: 28, channels: 1, patchSize: 7, dim: 16, depth: 4, heads: 2, classes: 10, pruning: { prune: 4 },
 * });
 * model.compile({ optimizer: tf.train.adam(1e-3), loss: crossEntropy() });
 * const images = tf.zeros([8, 28, 28, 1]);
 * const labels = tf.oneHot(tf.zeros([8], 'int32'), 10);
 * await model.fit(images, auxTargets(labels, model), { verbose: 0 });
 * ```
 */
export function visionTransformer(config: VisionTransformerConfig): LayersModel {
  const owner = 'visionTransformer';
  const {
    imageSize,
    patchSize,
    dim,
    heads,
    classes,
    mlpRatio = 4,
    kernelStd = KERNEL_STD,
    positionStd = KERNEL_STD,
    pool = 'avg',
    pruning,
  } = config;
  const depth = requireInteger(owner, 'depth', config.depth, 1);
  const channels = requireInteger(owner, 'channels', config.channels, 1);
  const dropPath = requireNumber(owner, 'dropPath', config.dropPath ?? 0, 0, 0.999);
  const seed = resolveSeed(config.seed, owner);
  const router = pruning && chosenRouter(owner, pruning);
  const fusion = pruning !== undefined && (pruning.fusion ?? router !== 'tome');
  const plan: PruningPlan = pruning
    ? pruningPlan(owner, depth, pruning.prune, pruning.after, fusion)
    : { after: [], prune: [] };

  const [height, width] = typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize;
  const sides = [requireInteger(owner, 'imageSize', height, 1), requireInteger(owner, 'imageSize', width, 1)];
  const image = input({ shape: [...sides, channels], name: 'image' });
  const named = (name: string): { name: string; seed: number } => ({ name, seed: deriveSeed(seed, name) });
  const embed = new PatchEmbedding({ patchSize, dim, positionStd, ...named('embed') });
  let sequence: Sequence = { tokens: embed.apply(image) as SymbolicTensor };
  const patches = (sequence.tokens.shape[1] as number) - 1;
  if ((tokenCounts(patches, plan.prune).at(-1) ?? patches) < 1)
    throw argumentError(owner, 'pruning.prune', `a schedule that leaves some of ${patches} patches`, plan.prune);
  const pruned: SymbolicTensor[] = [];
  const auxLogits: SymbolicTensor[] = [];
  for (let j = 0; j < depth; j++) {
    const last = j === depth - 1;
    if (last && fusion) sequence = { tokens: fuse(sequence.tokens, pruned) };
    const module = plan.after.indexOf(j);
    const block = new TransformerBlock({
      heads,
      mlpRatio,
      dropPath: pruning && last ? 0 : (dropPath * j) / Math.max(1, depth - 1),
      kernelStd,
      extraOutput: module >= 0 && router ? BLOCK_OUTPUT[router] : 'none',
      ...named(`block_${j}`),
    });
    const { tokens, sizes } = sequence;
    const output = block.apply(sizes ? [tokens, sizes] : tokens) as SymbolicTensor | SymbolicTensor[];
    const [next, extra] = Array.isArray(output) ? output : [output];
    sequence = { tokens: next as SymbolicTensor, sizes };
    if (module < 0 || !router || !pruning) continue;
    const routed = applyRouter(router, pruning, plan.prune[module] as number, { ...sequence, extra }, classes, (name) =>
      named(`${name}_${module}`),
    );
    sequence = { tokens: routed.tokens, sizes: routed.sizes };
    if (routed.pruned) pruned.push(routed.pruned);
    if (routed.auxLogits) auxLogits.push(routed.auxLogits);
  }
  const logits = new ClassificationHead({ units: classes, pool, ...named('head') }).apply(sequence.tokens);
  const outputs = [logits as SymbolicTensor, ...auxLogits];
  return model({ inputs: image, outputs, ...(config.name === undefined ? {} : { name: config.name }) });
}

function fuse(tokens: SymbolicTensor, pruned: readonly SymbolicTensor[]): SymbolicTensor {
  return new LastLayerFusion({ name: 'fusion' }).apply([tokens, ...pruned]) as SymbolicTensor;
}
