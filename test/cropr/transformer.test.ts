import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { patchEmbedding } from '../../src/cropr/patch_embedding_layer.js';
import { poolTokens } from '../../src/cropr/transformer.js';
import { TransformerBlock, transformerBlock } from '../../src/cropr/transformer_block_layer.js';
import { type VisionTransformerConfig, visionTransformer } from '../../src/cropr/vision_transformer.js';
import { disturbWeights } from '../contract/layer_runs.js';
import { normal } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';
import { largestError } from './golden.js';

function block(config: Partial<ConstructorParameters<typeof TransformerBlock>[0]> = {}): TransformerBlock {
  const layer = transformerBlock({ heads: 2, seed: 3, ...config });
  layer.apply(tf.input({ shape: [5, 8] }));
  disturbWeights(layer);
  return layer;
}

function run(layer: TransformerBlock, inputs: tf.Tensor | tf.Tensor[], training = false): tf.Tensor[] {
  const outputs = layer.apply(inputs, { training }) as tf.Tensor | tf.Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Each sample's numbers. */
function rows(x: tf.Tensor): number[][] {
  return tf.tidy(() => tf.reshape(x, [x.shape[0] as number, -1]).arraySync() as number[][]);
}

function dropPathOf(model: tf.LayersModel): number[] {
  return model.layers.flatMap((layer) => (layer instanceof TransformerBlock ? [layer.options.dropPath] : []));
}

describe('drop path of a vision transformer', () => {
  const size = { imageSize: 8, channels: 1, patchSize: 2, dim: 4, depth: 5, heads: 2, classes: 3 };
  const rates = (change: Partial<VisionTransformerConfig>): number[] => {
    const model = visionTransformer({ ...size, dropPath: 0.2, ...change });
    const found = dropPathOf(model);
    model.dispose();
    return found;
  };

  it('rises linearly over the blocks', () => {
    const expected = [0, 0.05, 0.1, 0.15, 0.2];
    rates({}).forEach((rate, i) => {
      expect(rate).toBeCloseTo(expected[i] as number, 12);
    });
    expect(rates({ depth: 1 })).toEqual([0]);
  });

  it('is 0 in the last block where tokens are pruned', () => {
    for (const fusion of [true, false]) {
      const found = rates({ pruning: { prune: 2, fusion } });
      expect(found[4]).toBe(0);
      expect(found[3]).toBeCloseTo(0.15, 12);
    }
  });
});

onEachBackend(() => {
  describe('drop path of a block', () => {
    it('is off at inference', () => {
      tf.tidy(() => {
        const [dropping, plain] = [block({ dropPath: 0.5 }), block()];
        const x = normal(1, 'x', [3, 5, 8]);
        expect(rows(run(dropping, x)[0] as tf.Tensor)).toEqual(rows(run(plain, x)[0] as tf.Tensor));
      });
    });

    it('in training skips both branches, one or none of each sample, at its rate, and is drawn anew from the seed', () => {
      tf.tidy(() => {
        const samples = 400;
        const [layer, same, other] = [
          block({ dropPath: 0.25 }),
          block({ dropPath: 0.25 }),
          block({ dropPath: 0.25, seed: 4 }),
        ];
        other.setWeights(layer.getWeights());
        const x = tf.tile(normal(1, 'x', [1, 5, 8]), [samples, 1, 1]);
        const untouched = rows(x)[0] as number[];
        const first = rows(run(layer, x, true)[0] as tf.Tensor);
        const kinds = new Set(first.map((row) => row.map((value) => value.toFixed(3)).join()));
        expect(kinds.size).toBe(4);
        const skipped = first.filter((row) => largestError(row, untouched) === 0).length;
        // Binomial with mean 400 / 16 = 25 and standard deviation 4.8.
        expect(skipped).toBeGreaterThan(5);
        expect(skipped).toBeLessThan(50);
        expect(rows(run(same, x, true)[0] as tf.Tensor)).toEqual(first);
        expect(rows(run(layer, x, true)[0] as tf.Tensor)).not.toEqual(first);
        expect(rows(run(other, x, true)[0] as tf.Tensor)).not.toEqual(first);
      });
    });
  });

  describe('a block on merged tokens', () => {
    it('sees a token of size n as n equal tokens', () => {
      tf.tidy(() => {
        const layer = block({ extraOutput: 'classAttention' });
        const merged = normal(1, 'x', [2, 4, 8]);
        const sizes = tf.tensor2d([
          [1, 3, 1, 2],
          [1, 3, 1, 2],
        ]);
        const copies = tf.gather(merged, tf.tensor1d([0, 1, 1, 1, 2, 3, 3], 'int32'), 1);
        const [short] = run(layer, [merged, sizes]);
        const [long] = run(layer, copies);
        const one = tf.gather(long as tf.Tensor, tf.tensor1d([0, 1, 4, 5], 'int32'), 1);
        expect(largestError((short as tf.Tensor).dataSync(), one.dataSync())).toBeLessThanOrEqual(1e-5);
        const [without] = run(layer, merged);
        expect(largestError((without as tf.Tensor).dataSync(), one.dataSync())).toBeGreaterThan(1e-2);
      });
    });
  });

  describe('extra outputs of a block', () => {
    it('leave the tokens as they are', () => {
      tf.tidy(() => {
        const x = normal(1, 'x', [2, 5, 8]);
        const plain = rows(run(block(), x)[0] as tf.Tensor);
        for (const extraOutput of ['classAttention', 'keys'] as const)
          expect(rows(run(block({ extraOutput }), x)[0] as tf.Tensor)).toEqual(plain);
      });
    });

    it('classAttention is a distribution over the tokens', () => {
      tf.tidy(() => {
        const [, attention] = run(block({ extraOutput: 'classAttention' }), normal(1, 'x', [3, 5, 8]));
        expect(attention?.shape).toEqual([3, 5]);
        for (const row of rows(attention as tf.Tensor)) {
          expect(Math.min(...row)).toBeGreaterThan(0);
          expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
        }
      });
    });

    it('keys follow the tokens, whatever their order', () => {
      tf.tidy(() => {
        const layer = block({ extraOutput: 'keys' });
        const x = normal(1, 'x', [2, 5, 8]);
        const order = tf.tensor1d([0, 3, 1, 4, 2], 'int32');
        const [, keys] = run(layer, x);
        const [, moved] = run(layer, tf.gather(x, order, 1));
        expect(keys?.shape).toEqual([2, 5, 4]);
        const expected = tf.gather(keys as tf.Tensor, order, 1).dataSync();
        expect(largestError((moved as tf.Tensor).dataSync(), expected)).toBeLessThanOrEqual(1e-6);
      });
    });
  });

  describe('poolTokens', () => {
    it('avg counts every token, the class token too; token takes the class token', () => {
      tf.tidy(() => {
        const x = tf.tensor3d([
          [
            [4, 0],
            [1, 1],
            [1, 2],
          ],
          [
            [0, 3],
            [0, 3],
            [6, 0],
          ],
        ]);
        expect(poolTokens(x, 'avg').arraySync()).toEqual([
          [2, 1],
          [2, 2],
        ]);
        expect(poolTokens(x, 'token').arraySync()).toEqual([
          [4, 0],
          [0, 3],
        ]);
      });
    });

    it('is what the pool of a vision transformer says', () => {
      tf.tidy(() => {
        const size = { imageSize: 4, channels: 1, patchSize: 2, dim: 4, depth: 1, heads: 1, classes: 3, seed: 5 };
        const logits = (['avg', 'token'] as const).map((pool) => {
          const model = visionTransformer({ ...size, pool });
          for (const layer of model.layers) disturbWeights(layer, layer.name);
          const x = normal(1, 'image', [2, 4, 4, 1]);
          const tokens = tf.model({ inputs: model.inputs, outputs: model.getLayer('block_0').output }).predict(x);
          const pooled = poolTokens(tokens as tf.Tensor, pool);
          const repeated = tf.tile(tf.expandDims(pooled, 1), [1, 3, 1]);
          const again = model.getLayer('head').apply(repeated) as tf.Tensor;
          const predicted = (model.predict(x) as tf.Tensor).dataSync();
          expect(largestError(predicted, again.dataSync())).toBeLessThanOrEqual(1e-5);
          model.dispose();
          return Array.from(predicted);
        });
        expect(logits[0]).not.toEqual(logits[1]);
      });
    });
  });
});

describe('kernelStd', () => {
  it('is the deviation of the kernels at the start, of the kernels alone', () => {
    const deviations = [0.02, 0.2].map((kernelStd) => {
      const block = transformerBlock({ heads: 2, kernelStd, seed: 1 });
      block.build([null, 5, 64]);
      return block.getWeights().map((weight) => tf.moments(weight).variance.sqrt().dataSync()[0] as number);
    });
    const [narrow = [], wide = []] = deviations;
    expect(narrow.filter((deviation) => deviation > 0)).toHaveLength(4);
    narrow.forEach((deviation, i) => {
      expect((wide[i] as number) / 10).toBeCloseTo(deviation, 5);
      if (deviation > 0) expect(deviation / 0.02).toBeCloseTo(0.88, 1);
    });
  });
});

describe('positionStd', () => {
  it('is the deviation of the positions at the start, of the positions alone', () => {
    const [faint, strong] = [0.02, 1].map((positionStd) => {
      const embedding = patchEmbedding({ patchSize: 2, dim: 64, positionStd, seed: 1 });
      embedding.build([null, 12, 12, 1]);
      return embedding.getWeights().map((weight) => tf.moments(weight).variance.sqrt().dataSync()[0] as number);
    }) as [number[], number[]];
    expect((strong[3] as number) / 50).toBeCloseTo(faint[3] as number, 5);
    expect(strong[3]).toBeCloseTo(0.88, 1);
    expect(strong.slice(0, 3)).toEqual(faint.slice(0, 3));
  });
});
