import { serialization } from '@tensorflow/tfjs-core';
import {
  AttentionPruner,
  AuxHead,
  ClassificationHead,
  CroprPruner,
  LastLayerFusion,
  PatchEmbedding,
  RandomPruner,
  TokenMerger,
  TransformerBlock,
  VariancePruner,
} from './cropr/index.js';
import { LogitFusion, LogitMap, RotaryBlock, TokenGrid, TokenHead, TokenIds } from './cropr-dense/index.js';
import { DetectionHead } from './detection/index.js';
import { BlockNorm } from './forgetting/index.js';
import { ConditionalFlow, PointFlow } from './label-flow/index.js';
import { AffineNorm, MLPRemap, TrainableLLF } from './local-laplacian/index.js';

/**
 * Makes every layer of the library known to `tf.loadLayersModel`: `import 'tfjs-llf/register'`.
 *
 * Each layer registers itself, but a bundler leaves out a layer that the program does not name, and loading a saved model
 * then fails with `Unknown layer: LLFCroprPruner`. This module names them all.
 */
const layers = [
  AffineNorm,
  AttentionPruner,
  AuxHead,
  BlockNorm,
  ClassificationHead,
  ConditionalFlow,
  CroprPruner,
  DetectionHead,
  LastLayerFusion,
  LogitFusion,
  LogitMap,
  MLPRemap,
  PatchEmbedding,
  PointFlow,
  RandomPruner,
  RotaryBlock,
  TokenGrid,
  TokenHead,
  TokenIds,
  TokenMerger,
  TrainableLLF,
  TransformerBlock,
  VariancePruner,
];

for (const layer of layers) serialization.registerClass(layer);
