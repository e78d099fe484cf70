import * as tf from '@tensorflow/tfjs';
import { modelWeights } from '../../src/core/model_weights.js';
import type { DensePruningConfig } from '../../src/cropr-dense/dense_module.js';
import { segmentationTargets } from '../../src/cropr-dense/label_maps.js';
import { segmentationLoss } from '../../src/cropr-dense/segmentation_loss.js';
import {
  type SegmentationTransformerConfig,
  segmentationTransformer,
} from '../../src/cropr-dense/segmentation_transformer.js';
import {
  assignWeights,
  channelsLast,
  decode,
  type NumberArray,
  ourWeights,
  recorded,
  toTensor,
} from '../cropr/golden.js';
import { outputsOf } from '../cropr/vit_fixtures.js';
import fixture from '../fixtures/cropr/segmenter_llf.json' with { type: 'json' };

export { fixture as segmenterFixture };

/** The model as it was recorded, its weights aside. */
export const SEGMENTER: SegmentationTransformerConfig = {
  ...fixture.model,
  referenceGrid: fixture.model.referenceGrid as [number, number],
};

/** The recorded segmenter with the recorded weights, pruned as recorded, otherwise, or not at all. */
export function recordedSegmenter(pruning: DensePruningConfig | null = { prune: 3 }): tf.LayersModel {
  const model = segmentationTransformer({ ...SEGMENTER, ...(pruning && { pruning }) });
  const weights = ourWeights(fixture.weights);
  for (const key of pruning ? [] : [...weights.keys()].filter((name) => /^(router|aux)_/.test(name)))
    weights.delete(key);
  assignWeights(modelWeights(model), weights);
  return model;
}

/** Runs the body with a model and gives all its memory back. */
export function withModel(create: () => tf.LayersModel, body: (model: tf.LayersModel) => void): void {
  tf.engine().startScope();
  const model = create();
  try {
    body(model);
  } finally {
    model.dispose();
    tf.engine().endScope();
  }
}

export function images(): tf.Tensor {
  return toTensor(channelsLast(decode(fixture.inputs.image)));
}

export function labels(): tf.Tensor {
  return recorded(fixture.inputs, 'target');
}

/** Logits of patches as an aux head gives them, `[B, P, C]`, from recorded `[B, C, rows, columns]`. */
export function byPatch(array: NumberArray): NumberArray {
  const { shape, values } = channelsLast(array);
  const [batch, rows, columns, classes] = shape as [number, number, number, number];
  return { shape: [batch, rows * columns, classes], values };
}

/** Loss of each output, the main one first. */
export function lossesOf(model: tf.LayersModel): tf.Tensor[] {
  const targets = segmentationTargets(labels(), model);
  return outputsOf(model, images(), true).map((logits, i) => segmentationLoss()(targets[i] as tf.Tensor, logits));
}
