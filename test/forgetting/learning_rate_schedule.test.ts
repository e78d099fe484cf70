import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { getLearningRate } from '../../src/core/learning_rate.js';
import { LearningRateSchedule, type LearningRateScheduleConfig } from '../../src/forgetting/learning_rate_schedule.js';
import { optimizers, setRateByHand, smallModel, train, trainingData, weightValues } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';

/** Which times a schedule was asked for. */
function spy(config: LearningRateScheduleConfig): { times: number[]; callback: LearningRateSchedule } {
  const times: number[] = [];
  const ask = (time: number): number => {
    times.push(time);
    return 1 / (time + 10);
  };
  return { times, callback: new LearningRateSchedule(ask, config) };
}

/** Batches of unknown number. */
function stream(batches: number): tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }> {
  const generate = function* (): Generator<{ xs: tf.Tensor; ys: tf.Tensor }> {
    for (let i = 0; i < batches; i++) {
      const { x, y } = trainingData();
      yield { xs: x, ys: y };
    }
  };
  return tf.data.generator(generate) as tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }>;
}

onEachBackend(() => {
  for (const [name, make] of Object.entries(optimizers)) {
    it(`${name}: two epochs at two rates equal two trainings at these rates`, async () => {
      const rates = [0.05, 0.002];
      const scheduled = smallModel(make());
      await train(scheduled, { epochs: 2, callbacks: [new LearningRateSchedule((epoch) => rates[epoch] as number)] });
      const byHand = smallModel(make());
      for (const rate of rates) {
        setRateByHand(byHand.optimizer, rate);
        await train(byHand);
      }
      expect(weightValues(scheduled)).toEqual(weightValues(byHand));
    });
  }
});

describe('LearningRateSchedule', () => {
  it('counts absolute steps and epochs, logs the last rate and gives the base rate back', async () => {
    const model = smallModel(tf.train.adam(0.5));
    const steps = spy({ unit: 'step' });
    const { history } = await train(model, { epochs: 3, callbacks: [steps.callback] });
    expect(steps.times).toEqual([0, 1, 2, 3, 4, 5]);
    expect(history['learningRate']).toEqual([1 / 11, 1 / 13, 1 / 15]);
    expect(getLearningRate(model.optimizer)).toBe(0.5);
    const epochs = spy({});
    await train(model, { initialEpoch: 2, epochs: 4, callbacks: [epochs.callback] });
    expect(epochs.times).toEqual([2, 3]);
    const later = spy({ unit: 'step' });
    await train(model, { initialEpoch: 2, epochs: 4, callbacks: [later.callback] });
    expect(later.times).toEqual([4, 5, 6, 7]);
  });

  it('counts the short last batch', async () => {
    const { times, callback } = spy({ unit: 'step' });
    await train(smallModel(), { batchSize: 4, initialEpoch: 1, epochs: 2, callbacks: [callback] });
    expect(times).toEqual([3, 4, 5]);
  });

  it('counts through fitDataset of unknown size, and goes on from its state', async () => {
    const run = (callback: LearningRateSchedule, initialEpoch: number, epochs: number) =>
      smallModel().fitDataset(stream(3), { initialEpoch, epochs, verbose: 0, callbacks: [callback] });
    const first = spy({ unit: 'step' });
    await run(first.callback, 0, 2);
    expect(first.times).toEqual([0, 1, 2, 3, 4, 5]);
    const state = JSON.parse(JSON.stringify(first.callback.getState().values));
    expect(state).toEqual({ nextEpoch: 2, nextStep: 6 });
    const second = spy({ unit: 'step' });
    second.callback.setState({ values: state, tensors: {} });
    await run(second.callback, 2, 3);
    expect(second.times).toEqual([6, 7, 8]);
    await run(second.callback, 0, 1);
    expect(second.times.slice(3)).toEqual([0, 1, 2]);
    const unknowing = spy({ unit: 'step' });
    await expect(run(unknowing.callback, 2, 3)).rejects.toThrow('LearningRateSchedule: stepsPerEpoch must be given');
    const told = spy({ unit: 'step', stepsPerEpoch: 3 });
    await run(told.callback, 2, 3);
    expect(told.times).toEqual([6, 7, 8]);
  });

  it('knows the batches of fitDataset with batchesPerEpoch', async () => {
    const { times, callback } = spy({ unit: 'step' });
    const args = { initialEpoch: 1, epochs: 2, batchesPerEpoch: 4, verbose: 0, callbacks: [callback] } as const;
    await smallModel().fitDataset(stream(4), { ...args, callbacks: [callback] });
    expect(times).toEqual([4, 5, 6, 7]);
  });

  it('of two the later wins, and the base rate comes back', async () => {
    const model = smallModel(tf.train.sgd(0.5));
    const { history } = await train(model, {
      callbacks: [new LearningRateSchedule(() => 0.1), new LearningRateSchedule(() => 0.2)],
    });
    expect(history['learningRate']).toEqual([0.2]);
    expect(getLearningRate(model.optimizer)).toBe(0.5);
  });

  it('refuses what is not a rate', async () => {
    expect(() => new LearningRateSchedule(0.1 as unknown as () => number)).toThrow(
      'LearningRateSchedule: schedule must be a function, received 0.1.',
    );
    expect(() => new LearningRateSchedule(() => 1, { unit: 'batch' as 'step' })).toThrow('LearningRateSchedule: unit');
    expect(() => new LearningRateSchedule(() => 1, { stepsPerEpoch: 0 })).toThrow('stepsPerEpoch');
    const model = smallModel(tf.train.sgd(0.5));
    await expect(train(model, { callbacks: [new LearningRateSchedule(() => Number.NaN)] })).rejects.toThrow(
      'LearningRateSchedule: schedule(0) must be a finite number, received NaN.',
    );
    expect(getLearningRate(model.optimizer)).toBe(0.5);
  });
});
