/** The work of the page on Cropr: trains a small transformer at all rates at once, and looks at images at any rate. */
import * as tf from '@tensorflow/tfjs';
import {
  auxTargets,
  cosineWarmup,
  crossEntropy,
  keptTokens,
  LearningRateSchedule,
  randomStream,
  stripAuxHeads,
  TokenPruner,
  visionTransformer,
  WeightDecay,
} from 'tfjs-llf';
import { type DigitSet, fetchDigits, SIDE } from '../data/digits.js';
import type { Work } from '../shell/messages.js';
import type { CroprJobs, Point } from './jobs.js';
import { MOST, PATCH, ROUTERS, ratesFor } from './rates.js';

/** As in the quickstart. */
const VIT = {
  imageSize: SIDE,
  channels: 1,
  patchSize: PATCH,
  dim: 64,
  depth: ROUTERS + 1,
  heads: 8,
  mlpRatio: 2,
  classes: 10,
  kernelStd: 0.08,
  positionStd: 1,
};
const RECIPE = { batchSize: 64, peak: 7e-3, weightDecay: 0.05 };
/** Mean and standard deviation of a pixel of the digits, ink being 1. */
const INK = { mean: 0.13, deviation: 0.31 };
/** Images of a forward pass that is timed, and rates at which the trained net is judged. */
const TIMED = 64;
const JUDGED: readonly number[] = [0, 0.3, 0.5, 0.7, 0.8, MOST];
const HELD = 500;

let net: tf.LayersModel | undefined;

/** Tensors that are kept on purpose. */
export const held = (): number => net?.weights.length ?? 0;

function tensorOf(ink: Float32Array): tf.Tensor4D {
  const scaled = ink.map((value) => (value - INK.mean) / INK.deviation);
  return tf.tensor4d(scaled, [ink.length / SIDE ** 2, SIDE, SIDE, 1]);
}

const inkOf = ({ pixels }: DigitSet): Float32Array => Float32Array.from(pixels, (byte) => byte / 255);

/** From now on the routers of a model remove these. */
function setRates(model: tf.LayersModel, rates: readonly number[]): void {
  const routers = model.layers.filter((layer) => layer instanceof TokenPruner);
  routers.forEach((router, i) => {
    router.rate = rates[i] ?? 0;
  });
}

/** Seconds that the net takes for a batch. */
async function timeOf(model: tf.LayersModel, images: tf.Tensor, share: number): Promise<number> {
  setRates(model, ratesFor(share));
  const begin = performance.now();
  const logits = model.predict(images, { batchSize: TIMED }) as tf.Tensor;
  await logits.data();
  logits.dispose();
  return (performance.now() - begin) / 1000;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

async function judge(model: tf.LayersModel, { pixels, labels }: DigitSet): Promise<Point[]> {
  const images = tensorOf(inkOf({ pixels, labels }));
  const batch = tf.slice(images, 0, TIMED);
  const points: Point[] = [];
  for (const rate of JUDGED) {
    setRates(model, ratesFor(rate));
    const best = tf.tidy(() => tf.argMax(model.predict(images, { batchSize: 100 }) as tf.Tensor, 1));
    const found = await best.data();
    best.dispose();
    const accuracy = labels.filter((label, n) => label === found[n]).length / labels.length;
    const times = [
      await timeOf(model, batch, rate),
      await timeOf(model, batch, rate),
      await timeOf(model, batch, rate),
    ];
    points.push({ rate, accuracy, speed: TIMED / median(times) });
  }
  tf.dispose([images, batch]);
  return points;
}

const train: Work<CroprJobs>['train'] = async ({ digits, epochs, seed }, run) => {
  const { train: known, test } = await fetchDigits(digits);
  const count = known.labels.length;
  const total = epochs * Math.ceil(count / RECIPE.batchSize);
  const model = visionTransformer({ ...VIT, seed, pruning: { prune: ratesFor(0.5), fusion: false } });
  const optimizer = tf.train.adam(RECIPE.peak, 0.9, 0.95);
  const images = tensorOf(inkOf(known));
  const targets = tf.tidy(() => tf.oneHot(tf.tensor1d(known.labels, 'int32'), VIT.classes).toFloat());
  const shares = randomStream(seed, 'rates');
  let step = 0;
  const watch = new tf.CustomCallback({
    // Each step at another rate, so that the net is used to them all.
    onBatchBegin: async () => setRates(model, ratesFor(MOST * shares.uniform())),
    onBatchEnd: async (_, logs) => {
      step += 1;
      run.report({ step, steps: total, loss: Number(logs?.['loss']) });
      await run.breathe();
      if (run.isStopped) model.stopTraining = true;
    },
  });
  try {
    model.compile({ optimizer, loss: crossEntropy() });
    await model.fit(images, auxTargets(targets, model), {
      epochs,
      batchSize: RECIPE.batchSize,
      shuffle: false,
      verbose: 0,
      callbacks: [
        new LearningRateSchedule(cosineWarmup({ peak: RECIPE.peak, warmup: total / 10, total }), { unit: 'step' }),
        new WeightDecay({ rate: RECIPE.weightDecay, exempt: ['classToken', 'positions'] }),
        watch,
      ],
    });
    net?.dispose();
    net = stripAuxHeads(model);
    const few = { pixels: test.pixels.subarray(0, HELD * SIDE ** 2), labels: test.labels.subarray(0, HELD) };
    return { points: run.isStopped ? [] : await judge(net, few) };
  } finally {
    model.dispose();
    optimizer.dispose();
    tf.dispose([images, targets]);
  }
};

const look: Work<CroprJobs>['look'] = async ({ ink, rate }) => {
  if (!net) throw new Error('Train the net first.');
  const image = tensorOf(ink);
  const batch = tf.tidy(() => tf.tile(image, [TIMED, 1, 1, 1]));
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < 3; round++) {
    times[0].push(await timeOf(net, batch, 0));
    times[1].push(await timeOf(net, batch, rate));
  }
  const shares = tf.tidy(() => tf.softmax(net?.predict(image) as tf.Tensor));
  const probabilities = [...(await shares.data())];
  const kept = (await keptTokens(net, image)).map((router) => router.kept[0] as number[]);
  tf.dispose([image, batch, shares]);
  return { kept, probabilities, unpruned: TIMED / median(times[0]), speed: TIMED / median(times[1]) };
};

export const work: Work<CroprJobs> = { train, look };
