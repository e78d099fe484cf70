import type * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import {
  type SegmentationTransformerConfig,
  segmentationTransformer,
} from '../../src/cropr-dense/segmentation_transformer.js';
import { importWeights } from '../../src/import-weights/import_weights.js';
import { timmNames } from '../../src/import-weights/weight_names.js';
import { channelsLast, decode, expectNear, type NumberArray, ourKey, TOLERANCE } from '../cropr/golden.js';
import { segmenterFixture as fixture, images, SEGMENTER, withModel } from '../cropr-dense/segmenter_fixture.js';
import { writeSafetensors } from './write_safetensors.js';

const state: Readonly<Record<string, NumberArray>> = Object.fromEntries(
  Object.entries(fixture.weights).map(([name, array]) => [name, decode(array)]),
);

const build =
  (other: Partial<SegmentationTransformerConfig> = {}) =>
  (): tf.LayersModel =>
    segmentationTransformer({ ...SEGMENTER, pruning: { prune: 3 }, seed: 1, ...other });

const map = (model: tf.LayersModel): tf.Tensor => (model.predict(images()) as tf.Tensor[])[0] as tf.Tensor;

describe('a file with the weights of the authors’ segmenter', () => {
  it('fills the model: nothing missing, nothing unused, the authors’ map', () => {
    withModel(build(), (model) => {
      const { imported, resampled, missing, unused } = importWeights(model, writeSafetensors(state));
      expect(imported).toEqual(modelWeights(model).map(({ key }) => key));
      expect([resampled, missing, unused]).toEqual([[], [], []]);
      expectNear(map(model), channelsLast(decode(fixture.eval.masks)), TOLERANCE, 'map');
    });
  });

  it('names each weight as the tests of the recorded numbers do', () => {
    for (const name of Object.keys(state)) {
      expect(
        timmNames(ourKey(name)).map(({ names }) => names),
        name,
      ).toContainEqual([name]);
    }
  });

  it('may have its queries, keys and values packed, with biases of their own', () => {
    withModel(build(), (model) => {
      const packed: Record<string, NumberArray> = {};
      for (const [name, array] of Object.entries(state)) {
        const [, prefix, letter, kind] = /^(blocks\.\d\.attn)\.([qkv])_proj\.(weight|bias)$/.exec(name) ?? [];
        if (kind === undefined) packed[name] = array;
        else if (kind === 'bias') packed[`${prefix}.${letter}_bias`] = array;
        else {
          const values = Array.from(packed[`${prefix}.qkv.weight`]?.values ?? []);
          packed[`${prefix}.qkv.weight`] = {
            shape: [values.length / 16 + 16, 16],
            values: [...values, ...Array.from(array.values)],
          };
        }
      }
      const { missing, unused } = importWeights(model, writeSafetensors(packed));
      expect([missing, unused]).toEqual([[], []]);
      expectNear(map(model), channelsLast(decode(fixture.eval.masks)), TOLERANCE, 'map');
    });
  });

  it('fits a larger image once its queries, one for each patch, are left out', () => {
    withModel(build({ imageSize: 64, referenceGrid: [2, 2] }), (model) => {
      expect(() => importWeights(model, writeSafetensors(state))).toThrow(
        'for router_0/queries must be of shape [64,16]',
      );
      const names = (weight: string): ReturnType<typeof timmNames> =>
        weight.endsWith('/queries') ? [] : timmNames(weight);
      const { resampled, missing } = importWeights(model, writeSafetensors(state), names);
      expect(resampled).toEqual(['embed/positions']);
      expect(missing).toEqual(['router_0/queries', 'router_1/queries', 'router_2/queries']);
    });
  });
});
