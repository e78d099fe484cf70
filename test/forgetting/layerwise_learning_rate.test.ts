import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { getLearningRate } from '../../src/core/learning_rate.js';
import { layerDecay } from '../../src/forgetting/layer_decay.js';
import { LayerwiseLearningRate } from '../../src/forgetting/layerwise_learning_rate.js';
import { layerValues, optimizers, setRateByHand, smallModel, train, weightValues } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';

onEachBackend(() => {
  for (const [name, make] of Object.entries(optimizers)) {
    it(`${name}: a scale equals a learning rate, for each weight`, async () => {
      const scale = 0.25;
      const scaled = smallModel(make());
      await train(scaled, {
        epochs: 1,
        batchSize: 10,
        callbacks: [new LayerwiseLearningRate({ scale: (layer) => (layer === 'body' ? scale : 1) })],
      });
      const slow = smallModel(make());
      const rate = Reflect.get(slow.optimizer, 'learningRate') as number;
      setRateByHand(slow.optimizer, rate * scale);
      await train(slow, { epochs: 1, batchSize: 10 });
      const fast = smallModel(make());
      await train(fast, { epochs: 1, batchSize: 10 });
      layerValues(scaled, 'body').forEach((value, i) => {
        expect(value).toBeCloseTo(layerValues(slow, 'body')[i] as number, 6);
      });
      expect(layerValues(scaled, 'head')).toEqual(layerValues(fast, 'head'));
      expect(layerValues(scaled, 'body')).not.toEqual(layerValues(fast, 'body'));
    });

    it(`${name}: a scale of everything equals a learning rate, step after step`, async () => {
      const [scaled, slow] = [smallModel(make()), smallModel(make())];
      await train(scaled, { epochs: 3, callbacks: [new LayerwiseLearningRate({ scale: () => 0.25 })] });
      setRateByHand(slow.optimizer, getLearningRate(slow.optimizer) * 0.25);
      await train(slow, { epochs: 3 });
      const expected = weightValues(slow).flat();
      weightValues(scaled)
        .flat()
        .forEach((value, i) => {
          expect(value).toBeCloseTo(expected[i] as number, 5);
        });
    });
  }
});

describe('LayerwiseLearningRate', () => {
  it('0 holds a layer still to the bit, 1 changes nothing', async () => {
    const [held, free, plain] = [smallModel(), smallModel(), smallModel()];
    const before = layerValues(held, 'head');
    await train(held, {
      epochs: 2,
      callbacks: [new LayerwiseLearningRate({ scale: (layer) => (layer === 'head' ? 0 : 1) })],
    });
    expect(layerValues(held, 'head')).toEqual(before);
    await train(free, { epochs: 2, callbacks: [new LayerwiseLearningRate({ scale: () => 1 })] });
    await train(plain, { epochs: 2 });
    expect(weightValues(free)).toEqual(weightValues(plain));
  });

  it('names layer and weight, multiplies with another, logs the smallest rate', async () => {
    const asked: string[] = [];
    const first = new LayerwiseLearningRate({
      scale: (layer, weight) => {
        asked.push(`${layer}/${weight}`);
        return layer === 'body' ? 0.5 : 1;
      },
    });
    const [both, once] = [smallModel(tf.train.sgd(0.5)), smallModel(tf.train.sgd(0.5))];
    const second = new LayerwiseLearningRate({ scale: (layer) => (layer === 'body' ? 0.5 : 1) });
    await train(both, { callbacks: [first, second] });
    const quarter = new LayerwiseLearningRate({ scale: (layer) => (layer === 'body' ? 0.25 : 1) });
    const { history } = await train(once, { callbacks: [quarter] });
    expect(weightValues(both)).toEqual(weightValues(once));
    expect(asked).toContain('norm/moving_mean');
    expect(history['layerwiseLearningRate/smallest']).toEqual([0.125]);
  });

  it('logs no rate of weights that are not trained', async () => {
    const still = smallModel(tf.train.sgd(0.5));
    const scale = (_layer: string, weight: string): number => (weight.startsWith('moving') ? 0 : 0.5);
    const { history } = await train(still, { callbacks: [new LayerwiseLearningRate({ scale })] });
    expect(history['layerwiseLearningRate/smallest']).toEqual([0.25]);
  });

  it('refuses what is not a factor', async () => {
    expect(() => new LayerwiseLearningRate({ scale: 2 as unknown as () => number })).toThrow(
      'LayerwiseLearningRate: scale must be a function, received 2.',
    );
    const bad = new LayerwiseLearningRate({ scale: () => Number.NaN });
    await expect(train(smallModel(), { callbacks: [bad] })).rejects.toThrow(
      'LayerwiseLearningRate: scale("body", "kernel") must be a finite number, received NaN.',
    );
  });
});

describe('layerDecay', () => {
  it('gives the published factors: block j decay^(L-j), embedding decay^(L+1), everything else 1', () => {
    const order = ['embed', ...Array.from({ length: 5 }, (_, j) => `block_${j}`)];
    const scale = layerDecay({ decay: 0.75, order });
    // The groups of the authors' optimizer for a ViT of depth 5.
    expect(order.map(scale)).toEqual([0.177978515625, 0.2373046875, 0.31640625, 0.421875, 0.5625, 0.75]);
    for (const name of ['head', 'cropr_0', 'aux_1', 'block_10', 'block']) expect(scale(name)).toBe(1);
    expect(scale('block_4/dense')).toBe(0.75);
  });

  it('refuses bad input', () => {
    expect(() => layerDecay({ decay: 0, order: [] })).toThrow('layerDecay: decay must be');
    expect(() => layerDecay({ decay: 1.5, order: [] })).toThrow('layerDecay: decay must be');
    expect(() => layerDecay({ decay: 0.5, order: ['a', 'a'] })).toThrow(
      'layerDecay: order must be a list of different',
    );
  });
});
