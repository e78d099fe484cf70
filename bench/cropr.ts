/**
 * ViT-Ti/16 at 224 px with random weights on the WASM backend: unpruned, pruned by Cropr (stripped for inference) and by
 * the random pruner, with and without fusion.
 */
import * as tf from '@tensorflow/tfjs';
import { pruningRates, type Router, tokenCounts } from 'tfjs-llf';
import { measure, report, throughputRatio, timingOf } from './harness.js';
import { inferenceModel, measuredIn, prediction, useWasm } from './models.js';

const VIT_TI = { imageSize: 224, channels: 3, patchSize: 16, dim: 192, depth: 12, heads: 3, classes: 1000, seed: 1 };
const PATCHES = (224 / 16) ** 2;
/** Modules after blocks 0 to 9, with fusion or not: 18 + 9 · 17 = 171 of 196 patches, 87 %. */
const AFTER = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const RATE = 17;
/** Batch size and seconds to measure it. */
const BATCHES = [
  { batch: 1, seconds: 45 },
  { batch: 8, seconds: 180 },
];
const PAIRS = [
  ['Cropr', 'random'],
  ['Cropr, no fusion', 'random, no fusion'],
  ['Cropr', 'unpruned'],
  ['Cropr, no fusion', 'unpruned'],
] as const;

function pruned(router: Router, fusion: boolean): tf.LayersModel {
  return inferenceModel({ ...VIT_TI, pruning: { prune: RATE, after: AFTER, fusion, router } });
}

console.log(await useWasm());
const counts = tokenCounts(PATCHES + 1, pruningRates(RATE, AFTER.length));
const gone = PATCHES + 1 - (counts[counts.length - 1] as number);
console.log(
  `ViT-Ti/16, 224 px; ${RATE} tokens pruned after each of the blocks 0 to 9 (${RATE + 1} after block 0): ` +
    `${gone} of ${PATCHES} patches (${((100 * gone) / PATCHES).toFixed(0)} %); tokens left: ${counts.join(', ')}`,
);

const models: readonly (readonly [string, tf.LayersModel])[] = [
  ['unpruned', inferenceModel(VIT_TI)],
  ['Cropr', pruned('cropr', true)],
  ['random', pruned('random', true)],
  ['Cropr, no fusion', pruned('cropr', false)],
  ['random, no fusion', pruned('random', false)],
];

let figures = {};
for (const { batch, seconds } of BATCHES) {
  const images = tf.randomUniform([batch, 224, 224, 3], -1, 1, 'float32', 1);
  const cases = models.map(([name, model]) => prediction(name, model, images));
  const timings = await measure(cases, { seconds, ...measuredIn });
  images.dispose();
  console.log(`\nbatch ${batch}, ${timings[0]?.milliseconds.length} rounds\n\n${report(timings, PAIRS)}`);
  const ratio = (rival: string): number =>
    Number(throughputRatio(timingOf(timings, 'Cropr'), timingOf(timings, rival)).median.toFixed(3));
  figures = { croprOverRandom: ratio('random'), croprOverUnpruned: ratio('unpruned') };
}
console.log(`\n${JSON.stringify(figures)}`);
