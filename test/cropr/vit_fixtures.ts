import * as tf from '@tensorflow/tfjs';
import { modelWeights } from '../../src/core/model_weights.js';
import type { PruningConfig } from '../../src/cropr/pruning_module.js';
import { visionTransformer } from '../../src/cropr/vision_transformer.js';
import { crossEntropy } from '../../src/forgetting/cross_entropy.js';
import fused from '../fixtures/cropr/vit_cls_llf.json' with { type: 'json' };
import unfused from '../fixtures/cropr/vit_cls_nollf.json' with { type: 'json' };
import unpruned from '../fixtures/cropr/vit_cls_unpruned.json' with { type: 'json' };
import {
  assignWeights,
  channelsLast,
  decode,
  ourWeights,
  type Recorded,
  type RecordedGroup,
  toTensor,
} from './golden.js';

export interface VitFixture {
  pruningRates: number[];
  inputs: { image: Recorded; target: Recorded; soft_target: Recorded };
  weights: RecordedGroup;
  train: RecordedGroup;
  eval: RecordedGroup;
  grads_total_loss: RecordedGroup;
  pruning?: PruningConfig;
}

/** The unpruned ViT has the backbone of the fused one. */
const backbone: RecordedGroup = Object.fromEntries(
  Object.entries(fused.weights).filter(([name]) => !name.startsWith('cropr.')),
);

export const vitFixtures: Readonly<Record<'vit_cls_llf' | 'vit_cls_nollf' | 'vit_cls_unpruned', VitFixture>> = {
  vit_cls_llf: { ...fused, pruning: { prune: 3, fusion: true } },
  vit_cls_nollf: { ...unfused, pruning: { prune: 3, fusion: false } },
  vit_cls_unpruned: { ...unpruned, weights: backbone },
};

/** The recorded ViT with the recorded weights. */
export function recordedVit({ pruning, weights }: VitFixture): tf.LayersModel {
  const model = visionTransformer({
    imageSize: 32,
    channels: 3,
    patchSize: 8,
    dim: 16,
    depth: 5,
    heads: 2,
    classes: 5,
    ...(pruning ? { pruning } : {}),
  });
  assignWeights(modelWeights(model), ourWeights(weights));
  return model;
}

export function images({ inputs }: VitFixture): tf.Tensor {
  return toTensor(channelsLast(decode(inputs.image)));
}

export function oneHotTargets({ inputs }: VitFixture): tf.Tensor {
  return tf.oneHot(toTensor(decode(inputs.target), 'int32').toInt(), 5);
}

/** Output of the model for training, always as a list. */
export function outputsOf(model: tf.LayersModel, x: tf.Tensor, training: boolean): tf.Tensor[] {
  const outputs = model.apply(x, { training }) as tf.Tensor | tf.Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Cross-entropy of each output, the main one first. */
export function lossesOf(model: tf.LayersModel, x: tf.Tensor, targets: tf.Tensor): tf.Tensor[] {
  return outputsOf(model, x, true).map((logits) => tf.mean(crossEntropy()(targets, logits)));
}
