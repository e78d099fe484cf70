import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttentionPruner } from '../../src/cropr/attention_pruner_layer.js';
import { auxTargets } from '../../src/cropr/aux_targets.js';
import { CroprPruner } from '../../src/cropr/cropr_pruner_layer.js';
import type { Router } from '../../src/cropr/pruning_module.js';
import { RandomPruner } from '../../src/cropr/random_pruner_layer.js';
import { featureVariance } from '../../src/cropr/scoring.js';
import { VariancePruner } from '../../src/cropr/variance_pruner_layer.js';
import { visionTransformer } from '../../src/cropr/vision_transformer.js';
import { crossEntropy } from '../../src/forgetting/cross_entropy.js';
import { normal } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';

function orderOf(outputs: unknown): number[][] {
  return (outputs as tf.Tensor[])[2]?.arraySync() as number[][];
}

function sorted(row: number[]): number[] {
  return [...row].sort((a, b) => a - b);
}

onEachBackend(() => {
  describe('VariancePruner', () => {
    it('ranks patches by the variance of their features', () => {
      fc.assert(
        fc.property(fc.nat(), fc.integer({ min: 2, max: 9 }), (seed, count) => {
          tf.tidy(() => {
            const tokens = normal(seed, 'tokens', [2, count, 6]) as tf.Tensor3D;
            const variances = tf.moments(tokens, 2).variance.arraySync() as number[][];
            const received = featureVariance(tokens).arraySync() as number[][];
            variances.flat().forEach((variance, i) => {
              expect(received.flat()[i]).toBeCloseTo(variance, 5);
            });
            orderOf(new VariancePruner({ prune: 0 }).apply(tokens)).forEach((order, image) => {
              const ranked = order.slice(1).map((place) => received[image]?.[place] as number);
              expect(ranked).toEqual(sorted(ranked).reverse());
            });
          });
        }),
        { numRuns: 15 },
      );
    });
  });

  describe('AttentionPruner', () => {
    it('ranks patches by the attention it is handed', () => {
      tf.tidy(() => {
        const attention = tf.tensor2d([
          [0.1, 0.2, 0.4, 0.3],
          [0.7, 0.1, 0.05, 0.15],
        ]);
        const inputs = [normal(1, 'tokens', [2, 4, 3]), attention];
        expect(orderOf(new AttentionPruner({ prune: 1 }).apply(inputs))).toEqual([
          [0, 2, 3, 1],
          [0, 3, 1, 2],
        ]);
        expect(orderOf(new AttentionPruner({ prune: 1, classToken: false }).apply(inputs))).toEqual([
          [2, 3, 1, 0],
          [0, 3, 1, 2],
        ]);
      });
    });
  });

  describe('CroprPruner that keeps the non-salient', () => {
    it('ranks the patches the other way round, attention or not', () => {
      tf.tidy(() => {
        const tokens = normal(1, 'tokens', [3, 7, 4]);
        for (const returnAttention of [true, false]) {
          const args = { prune: 2, returnAttention, seed: 5 };
          const salient = orderOf(new CroprPruner(args).apply(tokens));
          const other = orderOf(new CroprPruner({ ...args, keep: 'nonSalient' }).apply(tokens));
          expect(other).toEqual(salient.map(([first, ...patches]) => [first, ...patches.reverse()]));
        }
      });
    });
  });

  describe('RandomPruner', () => {
    it('repeats itself at inference and draws anew in training, for each image, from its seed', () => {
      tf.tidy(() => {
        const tokens = normal(1, 'tokens', [4, 12, 2]);
        const layer = new RandomPruner({ prune: 3, seed: 1 });
        const inference = orderOf(layer.apply(tokens));
        expect(orderOf(layer.apply(tokens))).toEqual(inference);
        const first = orderOf(layer.apply(tokens, { training: true }));
        const second = orderOf(layer.apply(tokens, { training: true }));
        expect(second).not.toEqual(first);
        expect(orderOf(layer.apply(tokens))).toEqual(inference);
        expect(new Set([...first, ...second].map(String)).size).toBe(8);
        const twin = new RandomPruner({ prune: 3, seed: 1 });
        expect(orderOf(twin.apply(tokens, { training: true }))).toEqual(first);
        expect(orderOf(new RandomPruner({ prune: 3, seed: 2 }).apply(tokens))).not.toEqual(inference);
      });
    });

    it('prunes every patch equally often and never the class token', () => {
      tf.tidy(() => {
        const images = 1000;
        const layer = new RandomPruner({ prune: 2, seed: 1 });
        const times = Array<number>(5).fill(0);
        for (const order of orderOf(layer.apply(tf.zeros([images, 5, 1]), { training: true })))
          for (const place of order.slice(3)) times[place] = (times[place] as number) + 1;
        expect(times[0]).toBe(0);
        // Binomial with mean 500 and standard deviation 16.
        for (const count of times.slice(1)) expect(Math.abs(count - images / 2)).toBeLessThan(70);
      });
    });
  });

  describe('a vision transformer with router', () => {
    const routers: Router[] = ['cropr', 'random', 'variance', 'attention', 'nonSalient', 'tome'];
    const size = { imageSize: 8, channels: 1, patchSize: 2, dim: 8, depth: 4, heads: 2, classes: 3, seed: 1 };

    it.each(routers)(
      '%s has the announced layers and tokens, trains, predicts and leaves nothing behind',
      async (router) => {
        const { numTensors } = tf.memory();
        const model = visionTransformer({ ...size, pruning: { prune: 2, router } });
        const fusion = router !== 'tome';
        const modules = fusion ? [0, 1] : [0, 1, 2];
        const learns = router === 'cropr' || router === 'nonSalient';
        expect(model.layers.map(({ name }) => name).sort()).toEqual(
          [
            'image',
            'embed',
            ...[0, 1, 2, 3].map((j) => `block_${j}`),
            ...modules.map((i) => `router_${i}`),
            ...(learns ? modules.map((i) => `aux_${i}`) : []),
            ...(fusion ? ['fusion'] : []),
            'head',
          ].sort(),
        );
        expect(model.outputs.map(({ shape }) => shape)).toEqual(Array(learns ? 3 : 1).fill([null, 3]));
        const counts = [0, 1, 2, 3].map((j) => {
          const { output } = model.getLayer(`block_${j}`);
          return (Array.isArray(output) ? output[0] : output)?.shape[1];
        });
        expect(counts).toEqual(fusion ? [17, 14, 12, 17] : [17, 14, 12, 10]);
        model.compile({ optimizer: tf.train.adam(0.01), loss: crossEntropy() });
        const x = normal(1, 'x', [6, 8, 8, 1]);
        const y = tf.tidy(() => tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32'), 3));
        const { history } = await model.fit(x, auxTargets(y, model), {
          epochs: 8,
          batchSize: 6,
          shuffle: false,
          verbose: 0,
        });
        const losses = history['loss'] as number[];
        expect(losses.at(-1)).toBeLessThan(losses[0] as number);
        tf.dispose(model.predict(x));
        model.optimizer.dispose();
        model.dispose();
        tf.dispose([x, y]);
        expect(tf.memory().numTensors).toBe(numTensors);
      },
    );

    it('is rebuilt by its seed, weights and all', () => {
      const [first, second, other] = [1, 1, 2].map((seed) =>
        visionTransformer({ ...size, seed, pruning: { prune: 2 } }),
      ) as [tf.LayersModel, tf.LayersModel, tf.LayersModel];
      const values = (model: tf.LayersModel): number[][] =>
        model.getWeights().map((weight) => Array.from(weight.dataSync()));
      expect(values(second)).toEqual(values(first));
      expect(values(other)).not.toEqual(values(first));
      const blocks = [0, 1].map((j) => Array.from(first.getLayer(`block_${j}`).getWeights()[2]?.dataSync() ?? []));
      expect(blocks[1]).not.toEqual(blocks[0]);
      for (const model of [first, second, other]) model.dispose();
    });
  });
});
