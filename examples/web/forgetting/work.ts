/** The work of the page on forgetting: a net trains in one of the ways, and is asked after each epoch what it knows. */
import * as tf from '@tensorflow/tfjs';
import {
  cosineWarmup,
  crossEntropy,
  LaterLayerForgetting,
  LearningRateSchedule,
  layerFeatures,
  predictionDepth,
  randomStream,
  SEALAnnealer,
  WeightDecay,
} from 'tfjs-llf';
import { fetchDigits, SIDE } from '../data/digits.js';
import type { Work } from '../shell/messages.js';
import type { ForgettingJobs, TrainOrder } from './jobs.js';
import { PROBES, SECOND, smallNetwork } from './network.js';
import { heldOf, type Samples, trainingOf } from './samples.js';

const HELD = 200;
const NEIGHBOURS = 5;
const RECIPE = { batchSize: 32, peak: 0.1, momentum: 0.9, weightDecay: 5e-4, labelSmoothing: 0.1 };

/** The callback of a way; long training has none. */
function forgetting({ way, generations, epochsPerGeneration, seed }: TrainOrder) {
  const schedule = { generations, epochsPerGeneration };
  if (way === 'llf') return new LaterLayerForgetting({ ...schedule, from: SECOND, seed });
  // A quarter of each generation, as published.
  const ascentEpochs = Math.floor(epochsPerGeneration / 4);
  if (way === 'seal') return new SEALAnnealer({ ...schedule, early: SECOND, ascentScale: 1, ascentEpochs });
  return undefined;
}

const tensorOf = ({ images, labels }: Samples): tf.Tensor4D => tf.tensor4d(images, [labels.length, SIDE, SIDE, 1]);

/** Pixels by which a training digit is shifted at most. */
const SHIFT = 2;

/** Writes a digit into a batch, shifted; its first pixel is paper. */
function putShifted(digit: Float32Array, batch: Float32Array, at: number, down: number, right: number): void {
  const paper = digit[0] as number;
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [row, column] = [y - down, x - right];
      const isInside = row >= 0 && column >= 0 && row < SIDE && column < SIDE;
      batch[at + y * SIDE + x] = isInside ? (digit[row * SIDE + column] as number) : paper;
    }
  }
}

/** Batches of one epoch after another, each in an order of its own, each digit a little shifted. */
function batches({ images, labels }: Samples, seed: number): tf.data.Dataset<tf.TensorContainer> {
  let epoch = 0;
  const size = SIDE * SIDE;
  function* oneEpoch(): Generator<{ xs: tf.Tensor; ys: tf.Tensor }> {
    const stream = randomStream(seed, 'order', epoch++);
    const order = [...stream.permutation(labels.length)];
    const shift = (): number => stream.integer(2 * SHIFT + 1) - SHIFT;
    for (let start = 0; start < order.length; start += RECIPE.batchSize) {
      const rows = order.slice(start, start + RECIPE.batchSize);
      const batch = new Float32Array(rows.length * size);
      rows.forEach((row, n) => {
        putShifted(images.subarray(row * size, (row + 1) * size), batch, n * size, shift(), shift());
      });
      const classes = rows.map((row) => labels[row] as number);
      const ys = tf.tidy(() => tf.oneHot(tf.tensor1d(classes, 'int32'), 10).toFloat());
      yield { xs: tf.tensor4d(batch, [rows.length, SIDE, SIDE, 1]), ys };
    }
  }
  return tf.data.generator(oneEpoch as never);
}

const shareEqual = (found: ArrayLike<number>, labels: ArrayLike<number>, rows: readonly number[]): number =>
  rows.filter((n) => found[n] === labels[n]).length / rows.length;

/** What a net knows of its training digits and of others. */
class Judge {
  private readonly known: tf.Tensor4D;
  private readonly held: tf.Tensor4D;

  constructor(
    private readonly model: tf.LayersModel,
    private readonly training: Samples & { wrong: number[] },
    private readonly others: Samples,
  ) {
    this.known = tensorOf(training);
    this.held = tensorOf(others);
  }

  async ask(): Promise<{ accuracy: number; memorised: number; depth: number }> {
    const { model, training, others } = this;
    const trainFeatures = layerFeatures(model, PROBES, this.known);
    const features = layerFeatures(model, PROBES, this.held);
    const [answers, predictions] = await Promise.all([trainFeatures, features].map(likeliest));
    const data = { trainFeatures, trainLabels: training.labels, features, predictions: predictions ?? [] };
    const { mean: depth } = await predictionDepth(data, { k: NEIGHBOURS });
    tf.dispose([trainFeatures, features]);
    return {
      accuracy: shareEqual(predictions ?? [], others.labels, [...others.labels.keys()]),
      memorised: shareEqual(answers ?? [], training.labels, training.wrong),
      depth,
    };
  }

  dispose(): void {
    tf.dispose([this.known, this.held]);
  }
}

/** Classes by the last probe, which is the head. */
async function likeliest(features: readonly tf.Tensor[]): Promise<Int32Array> {
  const best = tf.argMax(features.at(-1) as tf.Tensor, 1);
  const classes = await best.data<'int32'>();
  best.dispose();
  return classes;
}

/** Frees an optimizer; the momentum optimizer of tfjs leaves its learning rate behind (test/web/canaries). */
function disposeWhole(optimizer: tf.Optimizer): void {
  optimizer.dispose();
  const rate: unknown = Reflect.get(optimizer, 'c');
  if (rate instanceof tf.Tensor && !rate.isDisposed) rate.dispose();
}

const train: Work<ForgettingJobs>['train'] = async (order, run) => {
  const { digits, perClass, noise, generations, epochsPerGeneration, seed } = order;
  const { train: all, test } = await fetchDigits(digits);
  const training = trainingOf(all, perClass, noise, seed);
  const model = smallNetwork(seed);
  const judge = new Judge(model, training, heldOf(test, HELD));
  const optimizer = tf.train.momentum(RECIPE.peak, RECIPE.momentum);
  const callback = forgetting(order);
  const epochs = generations * epochsPerGeneration;
  let done = 0;
  const watch = new tf.CustomCallback({
    onBatchEnd: async () => {
      await run.breathe();
      if (run.isStopped) model.stopTraining = true;
    },
    onEpochEnd: async (epoch, logs) => {
      done = epoch + 1;
      run.report({ epoch: done, loss: logs?.['loss'] ?? Number.NaN, ...(await judge.ask()) });
    },
  });
  const total = callback ? epochsPerGeneration : epochs;
  const rate = cosineWarmup({ peak: RECIPE.peak, warmup: total / 8, total, rise: 'toPeak', restart: true });
  try {
    model.compile({ optimizer, loss: crossEntropy({ labelSmoothing: RECIPE.labelSmoothing }) });
    await model.fitDataset(batches(training, seed), {
      epochs,
      verbose: 0,
      callbacks: [
        new LearningRateSchedule(rate),
        new WeightDecay({ rate: RECIPE.weightDecay, decoupled: false, exemptVectors: false }),
        ...(callback ? [callback] : []),
        watch,
      ],
    });
    return { epochs: done, divergence: callback instanceof SEALAnnealer ? callback.divergence : undefined };
  } finally {
    judge.dispose();
    model.dispose();
    disposeWhole(optimizer);
  }
};

export const work: Work<ForgettingJobs> = { train };
