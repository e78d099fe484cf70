import type * as tf from '@tensorflow/tfjs';
import { AttentionPruner } from '../../src/cropr/attention_pruner_layer.js';
import { AuxHead } from '../../src/cropr/aux_head_layer.js';
import { ClassificationHead } from '../../src/cropr/classification_head_layer.js';
import { CroprPruner } from '../../src/cropr/cropr_pruner_layer.js';
import { LastLayerFusion } from '../../src/cropr/last_layer_fusion_layer.js';
import { patchEmbedding } from '../../src/cropr/patch_embedding_layer.js';
import { RandomPruner } from '../../src/cropr/random_pruner_layer.js';
import { TokenMerger } from '../../src/cropr/token_merger_layer.js';
import { transformerBlock } from '../../src/cropr/transformer_block_layer.js';
import { VariancePruner } from '../../src/cropr/variance_pruner_layer.js';
import { DetectionHead } from '../../src/detection/detection_head_layer.js';
import { BlockNorm } from '../../src/forgetting/block_norm_layer.js';
import { ConditionalFlow } from '../../src/label-flow/conditional_flow_layer.js';
import { PointFlow } from '../../src/label-flow/point_flow_layer.js';
import { AffineNorm } from '../../src/local-laplacian/affine_norm_layer.js';
import { MLPRemap } from '../../src/local-laplacian/mlp_remap_layer.js';
import { TrainableLLF } from '../../src/local-laplacian/trainable_llf_layer.js';
import { denseLayerRows } from './dense_layers.js';

/** One input of a layer. */
export interface InputSpec {
  /** Shape of one sample, tiny. */
  shape: readonly number[];
  /** Default `'float32'`. */
  dtype?: 'float32' | 'int32';
  /** Values of sample 0, 1, ... in row-major order. Default: normal numbers, different for each row and sample. */
  values?: (sample: number) => readonly number[];
}

/**
 * One configuration of a public layer. A row buys every law of `layer_laws.ts` and
 * `layer_gradient_laws.ts`, on every backend.
 *
 * The laws move weights and inputs by a few hundredths. Where the layer ranks something, choose the seed so that no rank
 * changes meanwhile: finite differences say so otherwise.
 */
export interface LayerRow {
  /** Name of the row: the class, and what is special. */
  name: string;
  /** Makes the layer; with a seed of its own, so that two calls make equal ones. */
  create: (name: string) => tf.layers.Layer;
  inputs: readonly InputSpec[];
  /** Rows of a training run. Default 2; a batch norm, of which two rows only show the order, needs more. */
  batch?: number;
  /** Whether its last axis is left open, because the width in training is another than at prediction. */
  openWidth?: boolean;
  /** Names of weights that by design get no gradient from any output. */
  fixedWeights?: readonly string[];
  /** Places of float inputs that by design get no gradient from any output. */
  fixedInputs?: readonly number[];
  /** Places of float outputs that by design pass no gradient to the inputs (but to weights). */
  detachedOutputs?: readonly number[];
  /** Places of float outputs that by design pass no gradient at all. */
  constantOutputs?: readonly number[];
}

const tokens: InputSpec = { shape: [6, 4] };
/** Ids that differ from sample to sample. */
const ids: InputSpec = {
  shape: [6],
  dtype: 'int32',
  values: (sample) => [0, 5, 4, 3, 2, 1].map((id) => id + 10 * sample),
};

/** Normal numbers lie within, but for the very few. */
const wide: readonly [number, number] = [-4, 4];
const picture: InputSpec = { shape: [7, 6, 1] };

/** Every public layer has a row here; a new one buys the contract by being added. */
export const layerRows: readonly LayerRow[] = [
  {
    name: 'CroprPruner',
    create: (name) => new CroprPruner({ name, prune: 2, seed: 1 }),
    inputs: [tokens],
    detachedOutputs: [3],
  },
  {
    name: 'CroprPruner with ids',
    create: (name) => new CroprPruner({ name, prune: 2, seed: 2 }),
    inputs: [tokens, ids],
    detachedOutputs: [3],
  },
  {
    name: 'CroprPruner with every option of the scorer',
    create: (name) =>
      new CroprPruner({
        name,
        prune: 3,
        queries: 3,
        heads: 2,
        queryProjection: true,
        keyProjection: true,
        preNorm: true,
        seed: 1,
      }),
    inputs: [tokens, ids],
    detachedOutputs: [3, 4],
  },
  {
    name: 'CroprPruner without attention',
    create: (name) => new CroprPruner({ name, prune: 2, returnAttention: false, preNorm: true, seed: 1 }),
    inputs: [tokens],
    fixedWeights: ['queries', 'gamma', 'beta'],
  },
  {
    name: 'CroprPruner that keeps the non-salient, no class token',
    create: (name) => new CroprPruner({ name, prune: 2, keep: 'nonSalient', classToken: false, seed: 1 }),
    inputs: [tokens],
    detachedOutputs: [3],
  },
  {
    name: 'CroprPruner that prunes nothing',
    create: (name) => new CroprPruner({ name, prune: 0, seed: 1 }),
    inputs: [tokens, ids],
    detachedOutputs: [3],
  },
  { name: 'RandomPruner', create: (name) => new RandomPruner({ name, prune: 2, seed: 1 }), inputs: [tokens, ids] },
  { name: 'VariancePruner', create: (name) => new VariancePruner({ name, prune: 2, seed: 1 }), inputs: [tokens, ids] },
  {
    name: 'AttentionPruner',
    create: (name) => new AttentionPruner({ name, prune: 2, seed: 1 }),
    inputs: [tokens, { shape: [6] }, ids],
    fixedInputs: [1],
  },
  {
    name: 'TokenMerger',
    create: (name) => new TokenMerger({ name, prune: 2 }),
    inputs: [tokens, { shape: [6, 3] }],
    fixedInputs: [1],
    constantOutputs: [1],
  },
  {
    name: 'TokenMerger with sizes, no class token',
    create: (name) => new TokenMerger({ name, prune: 3, classToken: false }),
    inputs: [tokens, { shape: [6, 3] }, { shape: [6], values: (sample) => [1, 2, 1, 3, 2, 1 + sample] }],
    fixedInputs: [1, 2],
    constantOutputs: [1],
  },
  {
    name: 'TokenMerger that merges nothing',
    create: (name) => new TokenMerger({ name, prune: 0 }),
    inputs: [tokens, { shape: [6, 3] }],
    fixedInputs: [1],
    constantOutputs: [1],
  },
  {
    name: 'AuxHead',
    create: (name) => new AuxHead({ name, units: 3, seed: 1 }),
    inputs: [tokens, { shape: [1, 1, 6] }],
    fixedInputs: [0],
  },
  {
    name: 'AuxHead with heads and value projection, several queries',
    create: (name) => new AuxHead({ name, units: 3, heads: 2, mlpRatio: 2, valueProjection: true, seed: 1 }),
    inputs: [tokens, { shape: [2, 3, 6] }],
    fixedInputs: [0],
  },
  {
    name: 'AuxHead without perceptron, tokens not detached',
    create: (name) => new AuxHead({ name, units: 3, mlpRatio: 0, detach: false, seed: 1 }),
    inputs: [tokens, { shape: [1, 1, 6] }],
  },
  {
    name: 'LastLayerFusion',
    create: (name) => new LastLayerFusion({ name }),
    inputs: [{ shape: [3, 4] }, { shape: [2, 4] }, { shape: [1, 4] }],
  },
  {
    name: 'LastLayerFusion that restores the order',
    create: (name) => new LastLayerFusion({ name, restoreOrder: true }),
    inputs: [
      { shape: [4, 4] },
      { shape: [2, 4] },
      { shape: [4], dtype: 'int32', values: (sample) => (sample === 0 ? [0, 5, 2, 3] : [1, 0, 3, 4]) },
      { shape: [2], dtype: 'int32', values: (sample) => (sample === 0 ? [4, 1] : [5, 2]) },
    ],
  },
  {
    name: 'PatchEmbedding',
    create: (name) => patchEmbedding({ name, patchSize: 2, dim: 4, seed: 1 }),
    inputs: [{ shape: [4, 6, 2] }],
  },
  {
    name: 'PatchEmbedding without class token and positions',
    create: (name) => patchEmbedding({ name, patchSize: 2, dim: 4, classToken: false, positions: false, seed: 1 }),
    inputs: [{ shape: [4, 4, 1] }],
  },
  {
    name: 'TransformerBlock',
    create: (name) => transformerBlock({ name, heads: 2, seed: 1 }),
    inputs: [tokens],
  },
  {
    name: 'TransformerBlock with drop path and class attention',
    create: (name) =>
      transformerBlock({ name, heads: 2, mlpRatio: 2, dropPath: 0.4, extraOutput: 'classAttention', seed: 2 }),
    inputs: [tokens],
    constantOutputs: [1],
  },
  {
    name: 'TransformerBlock with keys, on merged tokens',
    create: (name) => transformerBlock({ name, heads: 1, mlpRatio: 1, kernelStd: 0.3, extraOutput: 'keys', seed: 1 }),
    inputs: [tokens, { shape: [6], values: () => [1, 2, 1, 3, 1, 1] }],
    fixedInputs: [1],
    constantOutputs: [1],
  },
  {
    name: 'ClassificationHead',
    create: (name) => new ClassificationHead({ name, units: 3, seed: 1 }),
    inputs: [tokens],
  },
  {
    name: 'ClassificationHead on the class token',
    create: (name) => new ClassificationHead({ name, units: 3, pool: 'token', seed: 1 }),
    inputs: [tokens],
  },
  ...denseLayerRows,
  {
    name: 'DetectionHead',
    create: (name) => new DetectionHead({ name, classes: 2, grid: [3, 2], patchSize: 4, seed: 1 }),
    inputs: [tokens],
  },
  {
    name: 'DetectionHead with masks, linear, that leaves out the class token',
    create: (name) =>
      new DetectionHead({
        name,
        classes: 1,
        grid: [1, 5],
        patchSize: 4,
        prototypes: 2,
        resolution: 2,
        mlpRatio: 0,
        seed: 1,
      }),
    inputs: [tokens],
  },
  {
    name: 'ConditionalFlow',
    create: (name) => new ConditionalFlow({ name, labelSize: 2, hidden: 3, steps: 2, seed: 5 }),
    inputs: [{ shape: [3] }],
    batch: 6,
    openWidth: true,
    fixedWeights: ['condition', 'label', 'out'].flatMap((norm) => [`${norm}Mean`, `${norm}Variance`]),
  },
  {
    name: 'ConditionalFlow with three classes and noise',
    create: (name) => new ConditionalFlow({ name, labelSize: 3, hidden: 2, steps: 1, samples: 2, seed: 3 }),
    inputs: [{ shape: [2] }, { shape: [3] }],
    batch: 6,
    openWidth: true,
    fixedWeights: ['condition', 'label', 'out'].flatMap((norm) => [`${norm}Mean`, `${norm}Variance`]),
  },
  {
    name: 'ConditionalFlow of a number',
    create: (name) => new ConditionalFlow({ name, labelSize: 1, hidden: 3, steps: 2, seed: 1 }),
    inputs: [{ shape: [3] }],
    batch: 6,
    openWidth: true,
    fixedWeights: ['conditionMean', 'conditionVariance'],
  },
  {
    name: 'TrainableLLF',
    create: (name) => new TrainableLLF({ name, samples: 4, levels: 3, range: wide, alpha: 0.5, seed: 1 }),
    inputs: [picture],
  },
  {
    name: 'TrainableLLF with a trained range',
    create: (name) =>
      new TrainableLLF({ name, samples: 2, levels: 3, range: wide, sigma: 9, alpha: 0.5, trainRange: true, seed: 1 }),
    inputs: [picture],
  },
  {
    name: 'TrainableLLF of Paris, opencv, with a residual gain',
    create: (name) =>
      new TrainableLLF({
        name,
        remap: 'paris',
        samples: 3,
        levels: 2,
        range: wide,
        sigma: 3.5,
        alpha: 1.5,
        beta: 0.5,
        pyramid: 'opencv',
        residual: 'gain',
        noiseBlend: false,
        seed: 1,
      }),
    inputs: [picture],
  },
  {
    name: 'TrainableLLF with a curve per level, linear interpolation, colour by luminance',
    create: (name) =>
      new TrainableLLF({
        name,
        samples: 3,
        levels: 3,
        range: wide,
        perLevel: true,
        pyramid: 'lin',
        color: 'luminance',
        alpha: 0.5,
        seed: 1,
      }),
    inputs: [{ shape: [5, 6, 3] }],
  },
  {
    name: 'TrainableLLF with a network and a trained range, colour by channel',
    create: (name) =>
      new TrainableLLF({
        name,
        remap: { hidden: [3, 2], activation: 'tanh' },
        samples: 3,
        levels: 2,
        range: wide,
        trainRange: true,
        color: 'channels',
        seed: 1,
      }),
    inputs: [{ shape: [4, 3, 3] }],
  },
  {
    name: 'MLPRemap',
    create: (name) => new MLPRemap({ name, hidden: [4, 3], activation: 'tanh', span: 3, seed: 1 }),
    inputs: [{ shape: [3, 2] }],
  },
  {
    name: 'MLPRemap that is monotone, without batch norm',
    create: (name) => new MLPRemap({ name, hidden: [3, 2], monotone: true, batchNorm: false, seed: 3 }),
    inputs: [{ shape: [4] }],
  },
  { name: 'AffineNorm', create: (name) => new AffineNorm({ name, gain: 2, bias: 0.5, seed: 1 }), inputs: [picture] },
  {
    name: 'AffineNorm that keeps the order',
    create: (name) => new AffineNorm({ name, positive: true, seed: 1 }),
    inputs: [picture],
  },
  {
    name: 'AffineNorm as a window',
    create: (name) => new AffineNorm({ name, window: [-1, 2], seed: 1 }),
    inputs: [picture],
  },
  {
    name: 'BlockNorm',
    create: (name) => new BlockNorm({ name }),
    inputs: [tokens],
    fixedWeights: ['mean', 'deviation'],
  },
  {
    // Finite differences would step over the kinks of the default.
    name: 'PointFlow',
    create: (name) => new PointFlow({ name, hidden: 2, steps: 2, activation: 'silu', seed: 1 }),
    inputs: [{ shape: [2, 3] }, { shape: [2] }],
    batch: 4,
    fixedWeights: [
      ...['condition', 'oneLabel', 'oneOut', 'twoLabel', 'twoOut'].flatMap((norm) => [
        `${norm}Mean`,
        `${norm}Variance`,
      ]),
    ],
  },
];
