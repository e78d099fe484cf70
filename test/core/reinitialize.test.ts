import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelLayers } from '../../src/core/model_weights.js';
import { fanIn, type ReinitLaw, reinitialize } from '../../src/core/reinitialize.js';
import { onEachBackend } from '../setup/backends.js';
import { layerValues, smallModel, train } from './models.js';

const key = { seed: 3, purpose: 'test', generation: 1 };

function reset(model: tf.LayersModel, names: string[], law: ReinitLaw, change: Partial<typeof key> = {}): void {
  const layers = modelLayers(model).filter(({ name }) => names.includes(name));
  reinitialize(layers, law, { ...key, ...change });
}

/** A wide layer, so that a law shows. */
function wide(kernelInitializer?: ReturnType<typeof tf.initializers.zeros>): tf.LayersModel {
  const options = kernelInitializer ? { kernelInitializer } : {};
  return tf.sequential({ layers: [tf.layers.dense({ name: 'wide', units: 300, inputShape: [200], ...options })] });
}

const std = (values: number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);

onEachBackend(() => {
  describe('reinitialize', () => {
    it('draws the chosen layers anew and leaves the rest, the variables and the tensor count', async () => {
      const model = smallModel();
      await train(model);
      const [body, head] = [layerValues(model, 'body'), layerValues(model, 'head')];
      const variables = model.weights.map((weight) => weight.read());
      const { numTensors } = tf.memory();
      reset(model, ['body'], 'own');
      expect(tf.memory().numTensors).toBe(numTensors);
      expect(layerValues(model, 'body')).not.toEqual(body);
      expect(layerValues(model, 'body', 1)).toEqual([0, 0, 0, 0]);
      expect(layerValues(model, 'head')).toEqual(head);
      expect(model.weights.map((weight) => weight.read())).toEqual(variables);
    });

    for (const law of ['own', 'official'] as const) {
      it(`${law}: the draw depends on seed, purpose, generation and weight, and on nothing else`, () => {
        const draw = (change: Partial<typeof key> = {}): number[] => {
          const model = smallModel();
          reset(model, ['body', 'head'], law, change);
          return layerValues(model, 'body');
        };
        const first = draw();
        expect(draw()).toEqual(first);
        for (const change of [{ seed: 4 }, { purpose: 'other' }, { generation: 2 }]) {
          expect(draw(change)).not.toEqual(first);
        }
        const alone = smallModel();
        reset(alone, ['body'], law);
        expect(layerValues(alone, 'body')).toEqual(first);
      });
    }

    it('own: follows the law of the layer', () => {
      const cases: [ReturnType<typeof tf.initializers.zeros> | undefined, number][] = [
        [undefined, Math.sqrt(2 / 500)],
        [tf.initializers.randomNormal({ stddev: 3, seed: 5 }), 3],
        [tf.initializers.varianceScaling({ scale: 1 / 3, mode: 'fanIn', distribution: 'uniform' }), Math.sqrt(1 / 600)],
      ];
      for (const [initializer, expected] of cases) {
        const model = wide(initializer);
        const before = layerValues(model, 'wide');
        reset(model, ['wide'], 'own');
        const after = layerValues(model, 'wide');
        expect(after).not.toEqual(before);
        // glorotNormal is a truncated normal whose variance tfjs does not correct: 0.88 of the nominal deviation.
        expect(std(after) / std(before)).toBeCloseTo(1, 1);
        expect(std(after) / expected).toBeGreaterThan(0.85);
        expect(std(after) / expected).toBeLessThan(1.05);
      }
    });

    it('own: returns batch norm to its start, moving statistics included', async () => {
      const model = smallModel();
      const fresh = [0, 1, 2, 3].map((i) => layerValues(model, 'norm', i));
      await train(model, { epochs: 3 });
      expect([0, 1, 2, 3].map((i) => layerValues(model, 'norm', i))).not.toEqual(fresh);
      reset(model, ['norm'], 'own');
      expect([0, 1, 2, 3].map((i) => layerValues(model, 'norm', i))).toEqual(fresh);
    });

    it('own: handles layers in wrappers and recurrent layers', () => {
      const model = tf.sequential();
      const cell = tf.layers.gru({ units: 3 }) as tf.RNN;
      model.add(tf.layers.bidirectional({ name: 'both', layer: cell, inputShape: [4, 2] }));
      const before = model.getWeights().map((weight) => Array.from(weight.dataSync()));
      const { numTensors } = tf.memory();
      reset(model, ['both'], 'own');
      expect(tf.memory().numTensors).toBe(numTensors);
      const after = model.getWeights().map((weight) => Array.from(weight.dataSync()));
      expect(after[0]).not.toEqual(before[0]);
      expect(after[0]).not.toEqual(after[3]);
    });

    it('official: draws kernels from U(-1/sqrt(fan-in), 1/sqrt(fan-in)) and leaves vectors', async () => {
      const model = wide();
      reset(model, ['wide'], 'official');
      const values = layerValues(model, 'wide');
      const bound = 1 / Math.sqrt(200);
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
      expect(Math.max(...values.slice(0, 5000).map(Math.abs))).toBeGreaterThan(0.99 * bound);
      expect(std(values) / (bound / Math.sqrt(3))).toBeCloseTo(1, 2);
      const small = smallModel();
      await train(small);
      const bias = layerValues(small, 'head', 1);
      reset(small, ['head'], 'official');
      expect(layerValues(small, 'head', 1)).toEqual(bias);
    });

    it('official: takes the area of a depthwise kernel as its fan-in, and leaves all but kernels', () => {
      const model = tf.sequential();
      model.add(tf.layers.separableConv2d({ name: 'apart', filters: 9, kernelSize: 2, inputShape: [4, 4, 16] }));
      model.add(tf.layers.batchNormalization({ name: 'norm' }));
      model.add(tf.layers.flatten());
      const before = layerValues(model, 'norm');
      reset(model, ['apart', 'norm'], 'official');
      const largest = (i: number): number => Math.max(...layerValues(model, 'apart', i).map(Math.abs));
      expect(largest(0)).toBeLessThanOrEqual(0.5);
      expect(largest(0)).toBeGreaterThan(0.4);
      expect(largest(1)).toBeLessThanOrEqual(0.25);
      expect(largest(1)).toBeGreaterThan(0.2);
      expect(largest(2)).toBe(0);
      expect(layerValues(model, 'norm')).toEqual(before);
    });

    it('torch: draws biases with the fan-in of their kernel, recurrent layers by their units, norms as they begin', async () => {
      const model = tf.sequential();
      model.add(tf.layers.lstm({ name: 'memory', units: 25, inputShape: [2, 100], returnSequences: false }));
      model.add(tf.layers.batchNormalization({ name: 'norm' }));
      model.add(tf.layers.dense({ name: 'head', units: 40 }));
      const start = layerValues(model, 'norm', 1);
      tf.tidy(() => model.getLayer('norm').setWeights([3, 3, 3, 3].map((value) => tf.fill([25], value))));
      reset(model, ['memory', 'norm', 'head'], 'torch');
      for (const [layer, i] of [
        ['memory', 0],
        ['memory', 1],
        ['memory', 2],
        ['head', 0],
        ['head', 1],
      ] as const) {
        const values = layerValues(model, layer, i).map(Math.abs);
        expect(Math.max(...values), `${layer} ${i}`).toBeLessThanOrEqual(Math.fround(0.2));
        expect(Math.max(...values), `${layer} ${i}`).toBeGreaterThan(0.15);
      }
      expect(layerValues(model, 'norm', 1)).toEqual(start);
    });

    it('takes a law of the user, which may leave a weight alone', () => {
      const model = smallModel();
      const bias = layerValues(model, 'head', 1);
      reset(model, ['head'], ({ name, variable }, stream) =>
        name === 'kernel' ? tf.fill(variable.shape, stream.integer(5) + 1) : undefined,
      );
      expect(new Set(layerValues(model, 'head')).size).toBe(1);
      expect(layerValues(model, 'head')[0]).toBeGreaterThanOrEqual(1);
      expect(layerValues(model, 'head', 1)).toEqual(bias);
    });

    it('counts the fan-in of dense and convolution kernels', () => {
      expect(fanIn([5, 7])).toBe(5);
      expect(fanIn([3, 3, 16, 32])).toBe(144);
    });
  });

  describe('canary: a seeded tfjs initializer gives the same numbers each time', () => {
    it('so a reset by it would bring back the first values', () => {
      const initializer = tf.initializers.glorotUniform({ seed: 1 });
      const [first, second] = [initializer.apply([2, 3]), initializer.apply([2, 3])];
      expect(Array.from(second.dataSync())).toEqual(Array.from(first.dataSync()));
    });
  });
});
