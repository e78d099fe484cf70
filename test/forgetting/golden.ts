import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import { optimizerSlots } from '../../src/core/optimizer_state.js';
import { crossEntropy } from '../../src/forgetting/cross_entropy.js';
import { LearningRateSchedule } from '../../src/forgetting/learning_rate_schedule.js';
import { cosineWarmup, longCosine } from '../../src/forgetting/schedules.js';
import { WeightDecay } from '../../src/forgetting/weight_decay.js';
import { decode, largestError, type NumberArray, permuteAxes, type RecordedGroup, toTensor } from '../cropr/golden.js';

/** Weights by `layer/weight`, in our layout. */
export type Weights = ReadonlyMap<string, NumberArray>;

/** `layer/weight` for a name of a torch state dict. */
export function ourKey(name: string): string {
  const [, layer, kind] = /^(.*?)\.?([^.]+)$/.exec(name) as unknown as [string, string, string];
  const norm = /(^|\.)bn\d*$|downsample\.1$/.test(layer);
  const names: Record<string, string> = norm
    ? { weight: 'gamma', bias: 'beta', running_mean: 'moving_mean', running_var: 'moving_variance' }
    : { weight: 'kernel', bias: 'bias', mask: 'kernel' };
  return `${layer}/${names[kind]}`;
}

/** A recorded array in our layout: kernels `[in, out]` and `[height, width, in, out]`. */
function ourArray(array: NumberArray): NumberArray {
  if (array.shape.length === 4) return permuteAxes(array, [2, 3, 1, 0]);
  return array.shape.length === 2 ? permuteAxes(array, [1, 0]) : array;
}

/** A recorded group under our names and in our layout. */
export function ourWeights(group: RecordedGroup): Map<string, NumberArray> {
  return new Map(Object.entries(group).map(([name, array]) => [ourKey(name), ourArray(decode(array))] as const));
}

/** Gives weights their recorded values; each must exist. */
export function assign(model: tf.LayersModel, values: Weights): void {
  const weights = new Map(modelWeights(model).map(({ key, variable }) => [key, variable]));
  for (const [key, value] of values) {
    const variable = weights.get(key);
    if (!variable) throw new Error(`The model has no "${key}".`);
    tf.tidy(() => variable.assign(toTensor(value)));
  }
}

/** What a run has made of weights and momenta after each epoch. */
export interface Trace {
  weights: Map<string, number[]>[];
  momenta: Map<string, number[]>[];
  history: tf.History['history'];
}

/** What a recorded run was made with. */
export interface Recipe {
  epochs: number;
  generations: number;
  rate: number;
  weightDecay: number;
  warmup: number;
  labelSmoothing: number;
  /** One cosine over all generations, with a warm-up in each, in place of one cosine per generation. */
  long?: boolean;
}

/** The recorded run again, through `fit`: coupled decay of everything, momentum 0.9, a cosine per generation. */
export async function trace(
  model: tf.LayersModel,
  x: tf.Tensor,
  classes: readonly number[],
  recipe: Recipe,
  { batchSize, callbacks }: { batchSize: number; callbacks: tf.CustomCallback[] },
): Promise<Trace> {
  const { epochs, generations, rate, weightDecay, warmup, labelSmoothing } = recipe;
  model.compile({ optimizer: tf.train.momentum(rate, 0.9), loss: crossEntropy({ labelSmoothing }) });
  const schedule = recipe.long
    ? longCosine({ peak: rate, generations, epochsPerGeneration: epochs, warmup, warmupIn: 'every' })
    : cosineWarmup({ peak: rate, total: epochs, warmup, rise: 'toPeak', restart: true });
  const [weights, momenta]: Trace['weights'][] = [[], []];
  const numbers = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());
  const recorder = new tf.CustomCallback({
    onEpochEnd: () => {
      weights?.push(new Map(modelWeights(model).map(({ key, variable }) => [key, numbers(variable)])));
      momenta?.push(new Map(optimizerSlots(model).map(({ weight, value }) => [weight.key, numbers(value)])));
    },
  });
  const y = tf.oneHot(tf.tensor1d([...classes], 'int32'), model.outputShape[1] as number);
  const decay = new WeightDecay({ rate: weightDecay, decoupled: false, exemptVectors: false });
  const { history } = await model.fit(x, y, {
    epochs: epochs * generations,
    batchSize,
    shuffle: false,
    verbose: 0,
    callbacks: [new LearningRateSchedule(schedule), decay, ...callbacks, recorder],
  });
  tf.dispose([x, y]);
  return { weights: weights as Trace['weights'], momenta: momenta as Trace['momenta'], history };
}

/** The largest difference between weights and their record: every recorded one must be there. */
export function expectWeights(
  received: ReadonlyMap<string, ArrayLike<number>>,
  expected: Weights,
  tolerance: number,
  what: string,
): void {
  expect(expected.size).toBeGreaterThan(0);
  for (const [key, { values }] of expected) {
    const mine = received.get(key);
    expect(mine?.length, `${what}, ${key}`).toBe(values.length);
    expect(largestError(mine ?? [], values), `${what}, ${key}`).toBeLessThanOrEqual(tolerance);
  }
}
