import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { auxTargets } from '../../src/cropr/aux_targets.js';
import { keptTokens } from '../../src/cropr/kept_tokens.js';
import type { PruningConfig, Router } from '../../src/cropr/pruning_module.js';
import { RandomPruner } from '../../src/cropr/random_pruner_layer.js';
import { visionTransformer } from '../../src/cropr/vision_transformer.js';
import { normal } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';
import { images, recordedVit, vitFixtures } from './vit_fixtures.js';

const size = { imageSize: 12, channels: 1, patchSize: 2, dim: 8, depth: 5, heads: 2, classes: 3, seed: 2 };

function vit(pruning: PruningConfig): tf.LayersModel {
  return visionTransformer({ ...size, pruning });
}

function ascending(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b);
}

onEachBackend(() => {
  describe('keptTokens', () => {
    it.each(['vit_cls_llf', 'vit_cls_nollf'] as const)('%s: names the patches of the authors’ model', async (name) => {
      const fixture = vitFixtures[name];
      const model = recordedVit(fixture);
      const x = images(fixture);
      const { numTensors } = tf.memory();
      const found = await keptTokens(model, x);
      expect(tf.memory().numTensors).toBe(numTensors);
      expect(found.map(({ layer }) => layer)).toEqual(fixture.pruningRates.map((_, i) => `router_${i}`));
      found.forEach(({ kept }, i) => {
        const { shape: [batch = 0, count = 0] = [], int32: ids = [] } =
          fixture.train[`cropr_${i}_kept_token_ids`] ?? {};
        const expected = Array.from({ length: batch }, (_, image) =>
          // Ids count the class token, which is 0 and always kept.
          ascending(ids.slice(image * count, (image + 1) * count).map((id) => id - 1)).slice(1),
        );
        expect(kept).toEqual(expected);
      });
      model.dispose();
      tf.dispose(x);
    });

    it.each(['cropr', 'random', 'variance', 'attention', 'nonSalient'] as Router[])(
      '%s: fewer from module to module, each among those before',
      async (router) => {
        const model = vit({ prune: 6, router });
        const x = normal(1, 'images', [3, 12, 12, 1]);
        const found = await keptTokens(model, x);
        expect(found.map(({ kept }) => kept.map((patches) => patches.length))).toEqual(
          [29, 23, 17].map((n) => [n, n, n]),
        );
        found.forEach(({ kept }, i) => {
          kept.forEach((patches, image) => {
            expect(patches).toEqual(ascending([...new Set(patches)]));
            const before = i === 0 ? Array.from({ length: 36 }, (_, patch) => patch) : found[i - 1]?.kept[image];
            expect(before).toEqual(expect.arrayContaining(patches));
          });
        });
        model.dispose();
      },
    );

    it('sees what reaches the patches, at any size of the batch', async () => {
      const model = vit({ prune: [30], after: [0], router: 'variance' });
      const embed = model.getLayer('embed');
      // Tokens that vary as much as their patch is bright.
      embed.setWeights(
        embed.getWeights().map((weight, i) => (i === 0 ? normal(1, 'kernel', weight.shape) : tf.zerosLike(weight))),
      );
      const block = model.getLayer('block_0');
      block.setWeights(block.getWeights().map((weight) => tf.zerosLike(weight)));
      const bright = [3, 8, 9, 20, 35, 0];
      const pixels = Array.from({ length: 12 }, (_, row) =>
        Array.from({ length: 12 }, (_, column) =>
          bright.includes(6 * Math.floor(row / 2) + Math.floor(column / 2)) ? [1] : [0],
        ),
      );
      const x = tf.tile(tf.tensor4d([pixels]), [40, 1, 1, 1]);
      const [module] = await keptTokens(model, x);
      expect(module?.kept).toEqual(Array(40).fill(ascending(bright)));
      model.dispose();
    });

    it('counts places from 0 also without class token', async () => {
      const image = tf.input({ shape: [1, 5, 1] });
      const tokens = tf.layers.reshape({ targetShape: [5, 1] }).apply(image) as tf.SymbolicTensor;
      const outputs = new RandomPruner({ prune: 2, classToken: false, seed: 1 }).apply(tokens) as tf.SymbolicTensor[];
      const model = tf.model({ inputs: image, outputs: outputs[0] as tf.SymbolicTensor });
      const x = tf.tensor4d([[[[0], [1], [2], [3], [4]]]]);
      const [module] = await keptTokens(model, x);
      const kept = Array.from((model.predict(x) as tf.Tensor).dataSync());
      expect(module?.kept).toEqual([ascending(kept)]);
    });

    it('refuses routers that do not stand one behind the other', async () => {
      const image = tf.input({ shape: [1, 5, 1] });
      const tokens = tf.layers.reshape({ targetShape: [5, 1] }).apply(image) as tf.SymbolicTensor;
      const outputs = ['left', 'right'].map((name) => {
        const routed = new RandomPruner({ name, prune: 2, seed: 1 }).apply(tokens) as tf.SymbolicTensor[];
        return routed[0] as tf.SymbolicTensor;
      });
      const model = tf.model({ inputs: image, outputs });
      await expect(keptTokens(model, tf.zeros([1, 1, 5, 1]))).rejects.toThrow(
        'keptTokens: model: right must be behind the router before, on 3 tokens, received 5.',
      );
    });
  });
});

describe('auxTargets', () => {
  it('is the one tensor, as often as the model has outputs', () => {
    const y = tf.zeros([2, 3]);
    const { numTensors } = tf.memory();
    const pruned = vit({ prune: 2 });
    expect(auxTargets(y, pruned)).toEqual([y, y, y, y]);
    expect(auxTargets(y, pruned).every((one) => one === y)).toBe(true);
    pruned.dispose();
    const plain = visionTransformer(size);
    expect(auxTargets(y, plain)).toEqual([y]);
    plain.dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
    y.dispose();
  });
});
