import * as tf from '@tensorflow/tfjs';
import type { TrainingCallback } from '../../src/core/callback.js';
import { GradientClip } from '../../src/forgetting/gradient_clip.js';
import { LayerwiseLearningRate } from '../../src/forgetting/layerwise_learning_rate.js';
import { LearningRateSchedule } from '../../src/forgetting/learning_rate_schedule.js';
import { SEALAnnealer } from '../../src/forgetting/seal_annealer.js';
import { WeightDecay } from '../../src/forgetting/weight_decay.js';
import { SkipNonFinite } from '../../src/local-laplacian/skip_non_finite.js';

/** The runs of the contract have this many epochs. */
export const EPOCHS = 4;

/** The weights that the model of the contract trains: Dense 3-4, batch norm, Dense 4-2 (see `test/core/models.ts`). */
const TRAINED: readonly string[] = ['body/kernel', 'body/bias', 'norm/gamma', 'norm/beta', 'head/kernel', 'head/bias'];

/** Keys of weights: the same in every epoch in which the callback acts, or by epoch. */
export type PerEpoch = readonly string[] | Readonly<Record<number, readonly string[]>>;

/** One configuration of a public callback. A row buys every law of `callback_laws.ts`, on every backend. */
export interface CallbackRow {
  /** Name of the row: the class, and what is special. */
  name: string;
  /** Makes the callback; two calls make equal ones. */
  create: () => TrainingCallback;
  /** The epochs of 0 .. EPOCHS - 1 in which it changes what training does; in all others not one bit. */
  acts: readonly number[];
  /** The weights that it moves in an epoch of one step where it acts, no others; by key, as in `body/kernel`. */
  weights: PerEpoch;
  /** The weights whose optimizer slots (momenta, moments) it changes by that step, no others. */
  slots: PerEpoch;
  /** The epochs before which it makes the optimizer forget. Default none. */
  clears?: readonly number[];
  /** What it adds to the logs of an epoch. */
  logs: readonly string[];
  /** Default Adam. */
  optimizer?: () => tf.Optimizer;
  /** Whether its place in the list of callbacks makes no difference, whatever stands beside it. */
  orderFree: boolean;
}

const always: readonly number[] = Array.from({ length: EPOCHS }, (_, epoch) => epoch);
const kernels: readonly string[] = TRAINED.filter((key) => key.endsWith('kernel'));
const momentum = (): tf.Optimizer => tf.train.momentum(0.05, 0.9);
/** The learning rate of the default optimizer. */
export const BASE_RATE = 0.01;

/** Long enough for every run of the contract, of which each is a part. */
const twoByTwo = { generations: 5, epochsPerGeneration: 2, partial: true };
const sgd = (): tf.Optimizer => tf.train.sgd(0.05);
const body: readonly string[] = ['body/kernel', 'body/bias'];
const sealLogs: readonly string[] = ['seal/generation', 'seal/phase', 'seal/change', 'seal/diverged'];

/** Every public callback has a row here (those for Node in `callbacks.node.test.ts`). */
export const callbackRows: readonly CallbackRow[] = [
  {
    name: 'LearningRateSchedule that leaves the base rate at epoch 2',
    create: () => new LearningRateSchedule((epoch) => (epoch < 2 ? BASE_RATE : 0.03)),
    acts: [2, 3],
    weights: TRAINED,
    slots: [],
    logs: ['learningRate'],
    orderFree: true,
  },
  {
    name: 'LearningRateSchedule per step',
    create: () => new LearningRateSchedule((step) => 0.02 + 0.001 * step, { unit: 'step' }),
    acts: always,
    weights: TRAINED,
    slots: [],
    logs: ['learningRate'],
    optimizer: momentum,
    orderFree: true,
  },
  {
    name: 'WeightDecay',
    create: () => new WeightDecay({ rate: 0.5 }),
    acts: always,
    weights: kernels,
    slots: [],
    logs: ['weightDecay/rate'],
    orderFree: true,
  },
  {
    name: 'WeightDecay coupled, with exemptions, of a vector too',
    create: () =>
      new WeightDecay({ rate: 0.5, decoupled: false, exempt: ['head', 'bias', 'beta'], exemptVectors: false }),
    acts: always,
    weights: ['body/kernel', 'norm/gamma'],
    slots: ['body/kernel', 'norm/gamma'],
    logs: ['weightDecay/rate'],
    optimizer: momentum,
    orderFree: true,
  },
  {
    name: 'WeightDecay of nothing',
    create: () => new WeightDecay({ rate: 0 }),
    acts: [],
    weights: [],
    slots: [],
    logs: ['weightDecay/rate'],
    orderFree: true,
  },
  {
    name: 'GradientClip by norm',
    create: () => new GradientClip({ norm: 0.05 }),
    acts: always,
    weights: TRAINED,
    slots: TRAINED,
    logs: ['gradientClip/norm'],
    optimizer: momentum,
    orderFree: true,
  },
  {
    name: 'GradientClip by value',
    create: () => new GradientClip({ value: 1e-3 }),
    acts: always,
    weights: TRAINED,
    slots: TRAINED,
    logs: ['gradientClip/norm'],
    optimizer: momentum,
    orderFree: true,
  },
  {
    name: 'GradientClip of nothing',
    create: () => new GradientClip({ norm: 1e6 }),
    acts: [],
    weights: [],
    slots: [],
    logs: ['gradientClip/norm'],
    orderFree: true,
  },
  {
    name: 'SkipNonFinite where everything is finite',
    create: () => new SkipNonFinite(),
    acts: [],
    weights: [],
    slots: [],
    logs: ['skipNonFinite/skipped'],
    optimizer: momentum,
    orderFree: true,
  },
  {
    name: 'LayerwiseLearningRate',
    create: () => new LayerwiseLearningRate({ scale: (layer) => (layer === 'body' ? 0.5 : 1) }),
    acts: always,
    weights: ['body/kernel', 'body/bias'],
    slots: [],
    logs: ['layerwiseLearningRate/smallest'],
    orderFree: true,
  },
  {
    name: 'LayerwiseLearningRate of 1',
    create: () => new LayerwiseLearningRate({ scale: () => 1 }),
    acts: [],
    weights: [],
    slots: [],
    logs: ['layerwiseLearningRate/smallest'],
    orderFree: true,
  },
  {
    name: 'SEALAnnealer before the norm, in plain SGD',
    create: () => new SEALAnnealer({ ...twoByTwo, ascentEpochs: 1, early: 'norm' }),
    acts: [2],
    weights: body,
    slots: [],
    clears: [2, 3],
    logs: sealLogs,
    optimizer: sgd,
    orderFree: true,
  },
  {
    name: 'SEALAnnealer of a list, in Adam',
    create: () => new SEALAnnealer({ ...twoByTwo, ascentEpochs: 1, early: ['body', 'norm'], ascentScale: 0.5 }),
    acts: [2, 3],
    weights: TRAINED,
    slots: TRAINED,
    clears: [2, 3],
    logs: sealLogs,
    orderFree: true,
  },
  {
    name: 'SEALAnnealer reversed, the others frozen',
    create: () => new SEALAnnealer({ ...twoByTwo, ascentEpochs: 1, early: 'head', reverse: true, freezeOthers: true }),
    acts: [2],
    weights: TRAINED,
    slots: [],
    clears: [2, 3],
    logs: sealLogs,
    optimizer: sgd,
    orderFree: true,
  },
];
