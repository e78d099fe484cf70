/**
 * `npm start`: on the WASM backend and real digits, trains a ViT and the same ViT with Cropr, compares accuracy and speed,
 * saves the pruned one and loads it again, and draws the patches that survive into `quickstart.html`.
 *
 * `npm start -- 640` trains on 640 digits only: the whole way in half a minute, at a poor accuracy.
 */
import { writeFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import {
  auxTargets,
  cosineWarmup,
  crossEntropy,
  keptTokens,
  LearningRateSchedule,
  stripAuxHeads,
  visionTransformer,
  WeightDecay,
} from 'tfjs-llf';
import { fileSystem, ProgressBar } from 'tfjs-llf/node';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { processorTime, table } from '../bench/harness.js';
import { loadMnist, MNIST_SIDE } from './data/mnist.js';
import { type Digits, drawDigits } from './quickstart/digits.js';
import { accuracy, classesOf, compareSpeed, predict, sameBits } from './quickstart/evaluation.js';
import { reportPage, shownDigits } from './quickstart/report.js';

const SEED = 1;
const TRAINED = Number(process.argv[2] ?? 10_240);
const HELD_BACK = 2_000;
const RECIPE = { epochs: 3, batchSize: 64, peak: 7e-3 };
const SHOWN = 12;

/**
 * 49 patches of 4 x 4 pixels and a class token. Wide kernels at the start get a narrow network going sooner, and positions
 * as strong as the patches tell it at once where things are.
 */
const VIT = {
  imageSize: MNIST_SIDE,
  channels: 1,
  patchSize: 4,
  dim: 64,
  depth: 4,
  heads: 8,
  mlpRatio: 2,
  classes: 10,
  kernelStd: 0.08,
  positionStd: 1,
  seed: SEED,
};
/** Of 50 tokens 30 go after the first block and eight after the second. Without fusion they do not come back. */
const PRUNING = { prune: [30, 8], after: [0, 1], fusion: false };

const CAPTION =
  `${HELD_BACK} held-back digits. Both models were trained from scratch by one recipe: the same ${TRAINED} digits in the ` +
  `same order, ${RECIPE.epochs} epochs, one seed.`;
const NOTE =
  'The gain is smaller than the share of tokens that go: with tokens so few and narrow, the routers and the fixed cost of ' +
  'each operation weigh more. npm run bench -- cropr times a ViT-Ti on 197 tokens.';

/** Trains with the standard `fit`; returns the seconds that the processor took. */
async function train(model: tf.LayersModel, { images, targets }: Digits): Promise<number> {
  const { epochs, batchSize, peak } = RECIPE;
  const total = epochs * Math.ceil(images.shape[0] / batchSize);
  const begin = processorTime();
  model.compile({ optimizer: tf.train.adam(peak, 0.9, 0.95), loss: crossEntropy() });
  await model.fit(images, auxTargets(targets, model), {
    epochs,
    batchSize,
    shuffle: false, // the digits come in a seeded random order; tfjs would shuffle with Math.random
    verbose: 0,
    callbacks: [
      new LearningRateSchedule(cosineWarmup({ peak, warmup: total / 10, total }), { unit: 'step' }),
      new WeightDecay({ rate: 0.05, exempt: ['classToken', 'positions'] }),
      new ProgressBar(),
    ],
  });
  return (processorTime() - begin) / 1000;
}

const percent = (value = Number.NaN): string => `${value.toFixed(1)} %`;

async function main(): Promise<void> {
  await tf.setBackend('wasm');
  await tf.ready();
  await accelerateWasm();
  const training = drawDigits(await loadMnist('train'), TRAINED, SEED);
  const { images, raw } = drawDigits(await loadMnist('test'), HELD_BACK, SEED);

  // Both models train the same way. Each router of the second adds an output, whose loss teaches it what to keep.
  console.log('A ViT, unpruned');
  const unpruned = visionTransformer(VIT);
  const seconds = [await train(unpruned, training)];
  console.log('\nThe same ViT with Cropr; after the loss in all: of the digits, and of each router');
  const cropr = visionTransformer({ ...VIT, pruning: PRUNING });
  seconds.push(await train(cropr, training));

  // For inference the auxiliary heads go.
  const fast = stripAuxHeads(cropr);
  const logits = await predict(fast, images);
  const scores = [accuracy(await predict(unpruned, images), raw.labels), accuracy(logits, raw.labels)];
  const speeds = await compareSpeed(unpruned, fast, images.slice(0, 500));
  const rows = [
    ['model', 'accuracy', 'images/s', 'speed', 'training'],
    ['unpruned', percent(scores[0]), speeds.first.toFixed(0), '1.00x', `${seconds[0]?.toFixed(0)} s`],
    [
      'Cropr',
      percent(scores[1]),
      speeds.second.toFixed(0),
      `${speeds.ratio.toFixed(2)}x`,
      `${seconds[1]?.toFixed(0)} s`,
    ],
  ];
  console.log(`\n${CAPTION}\n\n${table(rows)}\n\n${NOTE}\n`);

  await fast.save(fileSystem('models/quickstart'));
  const loaded = await tf.loadLayersModel(fileSystem('models/quickstart'));
  if (!sameBits(await predict(loaded, images), logits)) throw new Error('The loaded model predicts something else.');
  console.log(`Saved in models/quickstart and loaded again: all ${logits.length} logits are the same, bit for bit.`);

  const kept = await keptTokens(fast, images.slice(0, SHOWN));
  const page = reportPage({
    choice: `These are the first ${SHOWN} of the held-back digits.`,
    places: PRUNING.after.map((block) => `after block ${block + 1}`),
    digits: shownDigits(raw, classesOf(logits, HELD_BACK), kept, VIT.patchSize),
    table: rows,
    caption: CAPTION,
    note: NOTE,
  });
  await writeFile('quickstart.html', page);
  console.log('Which patches survive each router: open quickstart.html.');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
