import * as tf from '@tensorflow/tfjs';
import type { TrainingCallback } from '../../src/core/callback.js';
import { PruningCurriculum } from '../../src/cropr-dense/pruning_curriculum.js';
import { ForgetRelearn } from '../../src/forgetting/forget_relearn.js';
import { GradientClip } from '../../src/forgetting/gradient_clip.js';
import { LaterLayerForgetting } from '../../src/forgetting/later_layer_forgetting.js';
import { LayerwiseLearningRate } from '../../src/forgetting/layerwise_learning_rate.js';
import { LearningRateSchedule } from '../../src/forgetting/learning_rate_schedule.js';
import { partialForgetting } from '../../src/forgetting/partial_forgetting.js';
import { denseSparseDense, iterativeMagnitudePruning } from '../../src/forgetting/pruning.js';
import { SEALAnnealer } from '../../src/forgetting/seal_annealer.js';
import { SkipNonFinite } from '../../src/forgetting/skip_non_finite.js';
import { WeightDecay } from '../../src/forgetting/weight_decay.js';

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
  {
    name: 'LaterLayerForgetting of the head, in plain SGD',
    create: () => new LaterLayerForgetting({ ...twoByTwo, from: 'head', seed: 1 }),
    acts: [2],
    // The gradient of all that lies before the head is another.
    weights: TRAINED,
    slots: [],
    clears: [2],
    logs: ['llf/generation'],
    optimizer: sgd,
    orderFree: false,
  },
  {
    name: 'LaterLayerForgetting of everything, with norms and biases, in Adam',
    create: () =>
      new LaterLayerForgetting({ ...twoByTwo, from: 'body', resetBatchNorm: true, resetBias: true, seed: 1 }),
    acts: [2],
    weights: [...TRAINED, 'norm/moving_mean', 'norm/moving_variance'],
    slots: TRAINED,
    clears: [2],
    logs: ['llf/generation'],
    orderFree: false,
  },
  {
    name: 'ForgetRelearn with magnitude pruning, rewound',
    create: () =>
      new ForgetRelearn({ ...twoByTwo, operation: iterativeMagnitudePruning({ keep: 0.5, rewind: 1 }), seed: 1 }),
    acts: [2, 3],
    // The mask holds in the epoch after the forgetting too, which without it would move the pruned weights.
    weights: { 2: [...TRAINED, 'norm/moving_mean', 'norm/moving_variance'], 3: ['body/kernel', 'head/kernel'] },
    slots: { 2: TRAINED, 3: [] },
    clears: [2],
    logs: ['forgetRelearn/generation'],
    orderFree: false,
  },
  {
    name: 'ForgetRelearn with dense-sparse-dense, one epoch each',
    create: () =>
      new ForgetRelearn({
        generations: 10,
        epochsPerGeneration: 1,
        partial: true,
        operation: denseSparseDense(),
        seed: 1,
      }),
    acts: [1, 2, 3],
    weights: {
      1: [...TRAINED, 'norm/moving_mean', 'norm/moving_variance'],
      2: TRAINED,
      3: [...TRAINED, 'norm/moving_mean', 'norm/moving_variance'],
    },
    slots: TRAINED,
    clears: [1, 2, 3],
    logs: ['forgetRelearn/generation'],
    orderFree: false,
  },
  {
    name: 'ForgetRelearn every two steps with partial forgetting, the moments kept',
    create: () =>
      new ForgetRelearn({
        generations: 2,
        everySteps: 2,
        operation: partialForgetting({ keep: 0.5, layers: ['head'] }),
        seed: 1,
      }),
    acts: [2],
    weights: ['head/kernel', 'head/bias'],
    slots: [],
    logs: ['forgetRelearn/generation'],
    orderFree: false,
  },
  {
    name: 'ForgetRelearn with a function that does nothing, the optimizer untouched',
    create: () => new ForgetRelearn({ ...twoByTwo, operation: () => {}, resetOptimizer: false, seed: 1 }),
    acts: [],
    weights: [],
    slots: [],
    logs: ['forgetRelearn/generation'],
    orderFree: true,
  },
  {
    name: 'PruningCurriculum, of a model without routers',
    create: () => new PruningCurriculum({ epochs: EPOCHS }),
    acts: [],
    weights: [],
    slots: [],
    logs: ['pruning/tokens'],
    orderFree: true,
  },
];
