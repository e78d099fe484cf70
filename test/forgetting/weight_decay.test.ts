import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { LayerwiseLearningRate } from '../../src/forgetting/layerwise_learning_rate.js';
import { LearningRateSchedule } from '../../src/forgetting/learning_rate_schedule.js';
import { WeightDecay, type WeightDecayConfig } from '../../src/forgetting/weight_decay.js';
import { layerValues, normal, smallModel, train } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

interface Recipe {
  rates: readonly number[];
  decay: number;
  scale: number;
}

/**
 * AdamW as torch has it, in float64, for the loss mean((x w + b - y)^2) over one batch: the weight shrinks by
 * `rate * decay` first, then Adam's step is taken.
 */
function adamW(
  x: number[][],
  y: number[],
  start: { w: number[]; b: number },
  recipe: Recipe,
): { w: number[]; b: number } {
  let { b } = start;
  const w = [...start.w];
  const moments = Array.from({ length: w.length + 1 }, () => ({ m: 0, v: 0 }));
  recipe.rates.forEach((rate, step) => {
    const errors = x.map(
      (row, n) => row.reduce((sum, value, i) => sum + value * (w[i] as number), b) - (y[n] as number),
    );
    const gradient = (feature: (n: number) => number): number =>
      errors.reduce((sum, error, n) => sum + (2 * error * feature(n)) / x.length, 0);
    const gradients = [...w.map((_, i) => gradient((n) => x[n]?.[i] as number)), gradient(() => 1)];
    const update = (value: number, i: number, lr: number, decay: number): number => {
      const state = moments[i] as { m: number; v: number };
      const g = gradients[i] as number;
      state.m = BETA1 * state.m + (1 - BETA1) * g;
      state.v = BETA2 * state.v + (1 - BETA2) * g * g;
      const mHat = state.m / (1 - BETA1 ** (step + 1));
      const vHat = state.v / (1 - BETA2 ** (step + 1));
      return value * (1 - lr * decay) - (lr * mHat) / (Math.sqrt(vHat) + EPSILON);
    };
    w.forEach((value, i) => {
      w[i] = update(value, i, rate * recipe.scale, recipe.decay);
    });
    b = update(b, w.length, rate, 0);
  });
  return { w, b };
}

function linear(optimizer: tf.Optimizer): tf.LayersModel {
  const kernelInitializer = tf.initializers.randomNormal({ seed: 3, stddev: 1 });
  const biasInitializer = tf.initializers.constant({ value: 0.7 });
  const layer = tf.layers.dense({ name: 'out', units: 1, inputShape: [5], kernelInitializer, biasInitializer });
  const model = tf.sequential({ layers: [layer] });
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
}

onEachBackend(() => {
  describe('WeightDecay', () => {
    it('makes AdamW of Adam: equal to a float64 AdamW over 30 steps with a schedule and a layer-wise scale', async () => {
      const rates = Array.from({ length: 30 }, (_, step) => 0.05 * (1 - step / 40));
      const model = linear(tf.train.adam(1, BETA1, BETA2, EPSILON));
      const start = { w: layerValues(model, 'out'), b: layerValues(model, 'out', 1)[0] as number };
      const [x, y] = [normal(2, 'x', [8, 5]), normal(2, 'y', [8, 1])];
      await model.fit(x, y, {
        epochs: 30,
        batchSize: 8,
        shuffle: false,
        verbose: 0,
        callbacks: [
          new LayerwiseLearningRate({ scale: (_layer, weight) => (weight === 'kernel' ? 0.5 : 1) }),
          new WeightDecay({ rate: 0.3 }),
          new LearningRateSchedule((step) => rates[step] as number, { unit: 'step' }),
        ],
      });
      const rows = x.arraySync() as number[][];
      const expected = adamW(rows, Array.from(y.dataSync()), start, { rates, decay: 0.3, scale: 0.5 });
      const without = adamW(rows, Array.from(y.dataSync()), start, { rates, decay: 0, scale: 0.5 });
      layerValues(model, 'out').forEach((value, i) => {
        expect(Math.abs(value - (expected.w[i] as number))).toBeLessThan(5e-6);
        expect(Math.abs(value - (without.w[i] as number))).toBeGreaterThan(1e-3);
      });
      expect(Math.abs((layerValues(model, 'out', 1)[0] as number) - expected.b)).toBeLessThan(5e-6);
    });

    it('coupled: adds rate * weight to the gradient of SGD', async () => {
      const plain = linear(tf.train.sgd(0.1));
      const decayed = linear(tf.train.sgd(0.1));
      const before = layerValues(plain, 'out');
      const [x, y] = [normal(2, 'x', [8, 5]), normal(2, 'y', [8, 1])];
      const args = { batchSize: 8, verbose: 0 } as const;
      await plain.fit(x, y, args);
      await decayed.fit(x, y, { ...args, callbacks: [new WeightDecay({ rate: 0.5, decoupled: false })] });
      layerValues(decayed, 'out').forEach((value, i) => {
        expect(value).toBeCloseTo((layerValues(plain, 'out')[i] as number) - 0.1 * 0.5 * (before[i] as number), 6);
      });
      expect(layerValues(decayed, 'out', 1)).toEqual(layerValues(plain, 'out', 1));
    });

    it('coupled and decoupled agree for SGD and differ for Adam', async () => {
      const run = async (make: () => tf.Optimizer, decoupled: boolean): Promise<number[]> => {
        const model = smallModel(make());
        await train(model, { epochs: 3, callbacks: [new WeightDecay({ rate: 0.2, decoupled })] });
        return layerValues(model, 'body');
      };
      const [first, second] = [await run(() => tf.train.sgd(0.1), true), await run(() => tf.train.sgd(0.1), false)];
      first.forEach((value, i) => {
        expect(value).toBeCloseTo(second[i] as number, 5);
      });
      expect(await run(() => tf.train.adam(0.1), true)).not.toEqual(await run(() => tf.train.adam(0.1), false));
    });
  });
});

describe('exemptions', () => {
  /** Which weights a decay moves when the gradient itself does nothing. */
  async function decaying(config: Partial<WeightDecayConfig>): Promise<string[]> {
    const zero = (target: tf.Tensor, output: tf.Tensor): tf.Tensor =>
      tf.mul(tf.losses.meanSquaredError(target, output), 0);
    const model = smallModel(tf.train.sgd(0.5), zero);
    const one = tf.ones([2]);
    model.getLayer('head').setWeights([tf.ones([4, 2]), one]);
    model.getLayer('body').setWeights([tf.ones([3, 4]), tf.ones([4])]);
    await train(model, { callbacks: [new WeightDecay({ rate: 1, ...config })] });
    const names = ['body/kernel', 'body/bias', 'norm/gamma', 'head/kernel', 'head/bias'];
    return names.filter((name) => {
      const [layer, weight] = name.split('/') as [string, string];
      return layerValues(model, layer, weight === 'bias' ? 1 : 0)[0] !== 1;
    });
  }

  it('leave vectors alone unless asked', async () => {
    expect(await decaying({})).toEqual(['body/kernel', 'head/kernel']);
    expect(await decaying({ exemptVectors: false })).toHaveLength(5);
  });

  it('take names of layers and weights, and predicates', async () => {
    expect(await decaying({ exempt: ['head'] })).toEqual(['body/kernel']);
    expect(await decaying({ exempt: ['body/kernel'] })).toEqual(['head/kernel']);
    expect(await decaying({ exempt: ['bias'], exemptVectors: false })).toEqual([
      'body/kernel',
      'norm/gamma',
      'head/kernel',
    ]);
    expect(await decaying({ exempt: (layer) => layer === 'body' })).toEqual(['head/kernel']);
  });

  it('name the nearest for an unknown name', async () => {
    await expect(decaying({ exempt: ['heat'] })).rejects.toThrow(
      /^WeightDecay: exempt\[0\] must be the name of a layer or weight \(nearest: "head".*received "heat"\.$/,
    );
  });
});

describe('bad input', () => {
  it('is named', () => {
    expect(() => new WeightDecay({ rate: -0.1 })).toThrow(
      'WeightDecay: rate must be a number of at least 0, received -0.1.',
    );
    expect(() => new WeightDecay({ rate: 0.1, decoupled: 1 as unknown as boolean })).toThrow('WeightDecay: decoupled');
    expect(() => new WeightDecay({ rate: 0.1, exempt: 'bias' as unknown as string[] })).toThrow('WeightDecay: exempt');
  });
});
