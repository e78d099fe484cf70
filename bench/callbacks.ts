/**
 * What a callback costs per training step outside of its forgetting moment: epochs of a small CNN with each of them,
 * against an empty `tf.CustomCallback`, whose own cost is shown too.
 */
import * as tf from '@tensorflow/tfjs';
import {
  cosineWarmup,
  crossEntropy,
  ForgetRelearn,
  GradientClip,
  iterativeMagnitudePruning,
  knowledgeEvolution,
  LaterLayerForgetting,
  LayerwiseLearningRate,
  LearningRateSchedule,
  SEALAnnealer,
  WeightDecay,
} from 'tfjs-llf';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { type BenchCase, measure, report, throughputRatio, timingOf } from './harness.js';
import { measuredIn, useWasm } from './models.js';

const BATCH = 32;
const BATCHES = 8;
const SIDE = 48;
const CLASSES = 10;
/** Channels of the stages; each but the first halves the image. */
const STAGES = [8, 16, 32, 64];
const SECONDS = 330;
const PLAIN = 'no callback';
/** What tfjs itself takes for having a callback at all, such as for giving way to the event loop. */
const EMPTY = 'an empty tf.CustomCallback';

/** In epoch 4 of this schedule SEAL ascends and masks hold, and nothing forgets. */
const schedule = { generations: 2, epochsPerGeneration: 3, partial: true };
const EPOCH = 4;

const callbacks: Record<string, () => tf.CustomCallback> = {
  [EMPTY]: () => new tf.CustomCallback({}),
  LearningRateSchedule: () => new LearningRateSchedule(cosineWarmup({ peak: 0.01, total: 1000 }), { unit: 'step' }),
  WeightDecay: () => new WeightDecay({ rate: 1e-4 }),
  'WeightDecay, coupled': () => new WeightDecay({ rate: 1e-4, decoupled: false }),
  LayerwiseLearningRate: () => new LayerwiseLearningRate({ scale: (layer) => (layer === 'conv_0' ? 0.5 : 1) }),
  GradientClip: () => new GradientClip({ norm: 1 }),
  'SEALAnnealer, ascending': () => new SEALAnnealer({ ...schedule, ascentEpochs: 2, early: 'conv_2' }),
  LaterLayerForgetting: () => new LaterLayerForgetting({ ...schedule, from: 'conv_2', seed: 1 }),
  'ForgetRelearn, Knowledge Evolution': () =>
    new ForgetRelearn({ ...schedule, operation: knowledgeEvolution(), seed: 1 }),
  'ForgetRelearn, a mask that holds': () =>
    new ForgetRelearn({ ...schedule, operation: iterativeMagnitudePruning(), seed: 1 }),
};

/** Stages of conv 3x3, batch norm, ReLU, then mean and dense; the same weights in each call. */
function cnn(): tf.LayersModel {
  const model = tf.sequential();
  STAGES.forEach((filters, stage) => {
    const inputShape = stage === 0 ? { inputShape: [SIDE, SIDE, 3] } : {};
    const kernelInitializer = tf.initializers.heNormal({ seed: stage + 1 });
    const shape = { filters, kernelSize: 3, strides: stage === 0 ? 1 : 2, padding: 'same', useBias: false } as const;
    model.add(tf.layers.conv2d({ name: `conv_${stage}`, ...shape, ...inputShape, kernelInitializer }));
    model.add(tf.layers.batchNormalization());
    model.add(tf.layers.reLU());
  });
  model.add(tf.layers.globalAveragePooling2d({}));
  model.add(tf.layers.dense({ name: 'head', units: CLASSES }));
  model.compile({ optimizer: tf.train.momentum(0.01, 0.9), loss: crossEntropy() });
  return model;
}

console.log(await useWasm());
await accelerateWasm();
console.log(
  `CNN of ${STAGES.join(', ')} channels, ${SIDE}x${SIDE}, momentum, batch ${BATCH}, ${BATCHES} steps a run\n`,
);
const count = BATCH * BATCHES;
// One model and one set of images for all: where tensors lie in memory makes more difference than a callback.
const model = cnn();
const images = tf.randomUniform([count, SIDE, SIDE, 3], -1, 1, 'float32', 1);
const classes = Array.from({ length: count }, (_, i) => i % CLASSES);
const labels = tf.tidy(() => tf.cast(tf.oneHot(classes, CLASSES), 'float32'));

/** One epoch with a callback that has trained up to it. */
async function epoch(name: string, list: tf.CustomCallback[]): Promise<BenchCase> {
  const train = (initialEpoch: number, epochs: number) =>
    model.fit(images, labels, { batchSize: BATCH, initialEpoch, epochs, shuffle: false, verbose: 0, callbacks: list });
  await train(0, EPOCH);
  return { name, items: count, run: () => train(EPOCH, EPOCH + 1) };
}

const cases = [await epoch(PLAIN, [])];
for (const [name, make] of Object.entries(callbacks)) cases.push(await epoch(name, [make()]));
const timings = await measure(cases, { seconds: SECONDS, ...measuredIn });
const names = Object.keys(callbacks).filter((name) => name !== EMPTY);
console.log(report(timings, [[EMPTY, PLAIN] as const, ...names.map((name) => [name, EMPTY] as const)]));
const overhead = names.map((name) => {
  const { median } = throughputRatio(timingOf(timings, name), timingOf(timings, EMPTY));
  return [name, Number((1 / median - 1).toFixed(4))] as const;
});
console.log(`\n${JSON.stringify(Object.fromEntries(overhead))}`);
