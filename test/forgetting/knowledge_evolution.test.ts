import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import { knowledgeEvolution } from '../../src/forgetting/knowledge_evolution.js';
import { slimModel } from '../../src/forgetting/slim_model.js';
import { startForgetting } from '../../src/forgetting/start_forgetting.js';
import { normal } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';

/** Branches that are joined, a depthwise layer, a sum, a flattened map, a nested model: all that channels pass through. */
function branched(): tf.LayersModel {
  const seeded = (seed: number) => tf.initializers.glorotUniform({ seed });
  const conv = (name: string, filters: number, seed: number): tf.layers.Layer =>
    tf.layers.conv2d({
      name,
      filters,
      kernelSize: 3,
      padding: 'same',
      useBias: false,
      kernelInitializer: seeded(seed),
    });
  const input = tf.input({ shape: [4, 4, 2] });
  const first = tf.layers
    .reLU()
    .apply(tf.layers.batchNormalization({ name: 'bn' }).apply(conv('a', 5, 1).apply(input)));
  const left = conv('b', 3, 2).apply(first) as tf.SymbolicTensor;
  const right = conv('c', 4, 3).apply(first) as tf.SymbolicTensor;
  const joined = tf.layers.concatenate().apply([left, right]);
  const depthwise = tf.layers.depthwiseConv2d({
    name: 'd',
    kernelSize: 3,
    padding: 'same',
    useBias: false,
    depthMultiplier: 2,
    depthwiseInitializer: seeded(4),
  });
  const mixed = conv('e', 3, 5).apply(depthwise.apply(joined)) as tf.SymbolicTensor;
  const sum = tf.layers.add().apply([mixed, left]);
  const pooled = tf.layers.averagePooling2d({ poolSize: 2 }).apply(sum);
  const flat = tf.layers.flatten().apply(pooled);
  const inner = tf.sequential({
    name: 'inner',
    layers: [
      tf.layers.dense({ name: 'one', units: 7, activation: 'relu', inputShape: [12], kernelInitializer: seeded(6) }),
      tf.layers.dense({ name: 'two', units: 5, kernelInitializer: seeded(7) }),
    ],
  });
  const output = tf.layers.dense({ name: 'fc', units: 3, kernelInitializer: seeded(8) }).apply(inner.apply(flat));
  return tf.model({ inputs: input, outputs: tf.layers.softmax().apply(output) as tf.SymbolicTensor });
}

const values = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

async function forgetOnce(model: tf.LayersModel, operation: ReturnType<typeof knowledgeEvolution>, generation = 1) {
  const { forget, end } = await startForgetting(model, operation, {
    optimizer: tf.train.sgd(1),
    generations: 4,
    seed: 1,
  });
  await forget(generation);
  end();
}

onEachBackend((backend) => {
  if (backend === 'wasm') {
    it('canary: on WASM the result of a gather cannot serve as a bias', () => {
      const bias = tf.gather(tf.tensor1d([1, 2, 3]), tf.tensor1d([0, 2], 'int32'));
      const product = (): tf.Tensor => tf.fused.matMul({ a: tf.ones([1, 2]), b: tf.ones([2, 2]), bias });
      expect(product).toThrow('only supports rank-1 bias');
    });
  }

  describe('slimModel', () => {
    it('predicts what the model predicts with the reset hypothesis at zero', async () => {
      for (const splitRate of [0.3, 0.5, 1]) {
        const model = branched();
        for (const { key, variable } of modelWeights(model)) {
          if (variable.rank === 1) tf.tidy(() => variable.assign(tf.abs(normal(1, key, variable.shape))));
        }
        const slim = await slimModel(model, { splitRate });
        await forgetOnce(model, knowledgeEvolution({ mode: 'kels', splitRate, dropped: 'zero' }));
        const x = normal(2, 'x', [3, 4, 4, 2]);
        const [expected, received] = [model, slim].map((one) => values(one.predict(x) as tf.Tensor));
        received?.forEach((value, i) => {
          expect(value).toBeCloseTo(expected?.[i] as number, 5);
        });
        expect(new Set(received).size).toBeGreaterThan(1);
        if (splitRate < 1) expect(slim.countParams()).toBeLessThan(model.countParams() * 0.6);
        else expect(slim.countParams()).toBe(model.countParams());
      }
    });

    it('keeps the leading channels of each layer', async () => {
      const slim = await slimModel(branched(), { splitRate: 0.5 });
      const shapes = Object.fromEntries(modelWeights(slim).map(({ key, variable }) => [key, variable.shape]));
      expect(shapes['a/kernel']).toEqual([3, 3, 2, 3]);
      expect(shapes['d/depthwise_kernel']).toEqual([3, 3, 4, 2]);
      expect(shapes['inner/one/kernel']).toEqual([8, 4]);
      expect(shapes['fc/kernel']).toEqual([3, 3]);
    });

    it('names bad input', async () => {
      await expect(slimModel(branched(), { splitRate: 2 })).rejects.toThrow('slimModel: splitRate must be');
    });
  });

  describe('knowledgeEvolution', () => {
    it('wels: keeps the same random share each time, unless the hypothesis is reset', async () => {
      for (const resetHypothesis of [false, true]) {
        const model = tf.sequential({ layers: [tf.layers.dense({ name: 'wide', units: 40, inputShape: [50] })] });
        const kernel = (): number[] => values(model.getWeights()[0] as tf.Tensor);
        const operation = knowledgeEvolution({ splitRate: 0.3, resetHypothesis });
        const args = { optimizer: tf.train.sgd(1), generations: 3, seed: 1 };
        const { forget, end } = await startForgetting(model, operation, args);
        const start = kernel();
        await forget(1);
        const first = kernel();
        await forget(2);
        const second = kernel();
        end();
        const kept = (a: number[], b: number[]): number[] => a.flatMap((value, i) => (value === b[i] ? [i] : []));
        expect(kept(start, first).length / 2000).toBeCloseTo(0.3, 1);
        if (resetHypothesis) expect(kept(first, second)).not.toEqual(kept(start, first));
        else expect(kept(first, second)).toEqual(kept(start, first));
      }
    });
  });
});
