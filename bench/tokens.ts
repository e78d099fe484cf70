/**
 * How many tokens pruning needs to pay: one small ViT (width 64, 6 blocks) on images of 28 px cut into ever smaller
 * patches, unpruned and pruned by Cropr.
 */
import * as tf from '@tensorflow/tfjs';
import { measure, report, throughputRatio, timingOf } from './harness.js';
import { inferenceModel, measuredIn, prediction, useWasm } from './models.js';

const VIT = { imageSize: 28, channels: 1, dim: 64, depth: 6, heads: 4, classes: 10, seed: 1 };
/** Four modules that take 81 to 84 % of the patches. */
const AFTER = [0, 1, 2, 3];
const SIZES = [
  { patchSize: 7, prune: 3 },
  { patchSize: 4, prune: 10 },
  { patchSize: 2, prune: 40 },
];
const SECONDS = 10;
const PAIRS = [
  ['Cropr', 'unpruned'],
  ['Cropr, no fusion', 'unpruned'],
] as const;

console.log(await useWasm());
const figures: Record<string, Record<string, number>> = {};
for (const batch of [1, 32]) {
  const byTokens: Record<string, number> = {};
  for (const { patchSize, prune } of SIZES) {
    const tokens = (28 / patchSize) ** 2 + 1;
    const size = { ...VIT, patchSize };
    const images = tf.randomUniform([batch, 28, 28, 1], 0, 1, 'float32', 1);
    const models = {
      unpruned: inferenceModel(size),
      Cropr: inferenceModel({ ...size, pruning: { prune, after: AFTER } }),
      'Cropr, no fusion': inferenceModel({ ...size, pruning: { prune, after: AFTER, fusion: false } }),
    };
    const cases = Object.entries(models).map(([name, model]) => prediction(name, model, images));
    const timings = await measure(cases, { seconds: SECONDS, ...measuredIn });
    console.log(
      `\nbatch ${batch}, ${tokens} tokens, ${4 * prune + 1} pruned, ${timings[0]?.milliseconds.length} rounds\n`,
    );
    console.log(report(timings, PAIRS));
    const { median } = throughputRatio(timingOf(timings, 'Cropr'), timingOf(timings, 'unpruned'));
    byTokens[tokens] = Number(median.toFixed(3));
    images.dispose();
    for (const model of Object.values(models)) model.dispose();
  }
  figures[`batch${batch}`] = byTokens;
}
console.log(`\n${JSON.stringify(figures)}`);
