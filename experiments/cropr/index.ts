/**
 * Routers compared as the paper does it: one unpruned backbone per seed, trained on scenes in which most patches say
 * nothing about the class, then fine-tuned with every router at an equal schedule. `npm run experiment -- cropr rates`
 * compares pruning rates in place of routers, `cropr longer` trains three times as long and shows which patches Cropr drops.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { stripAuxHeads } from 'tfjs-llf';
import { accelerateWasm } from 'tfjs-llf/wasm';
import {
  machine,
  measure,
  quantile,
  summarize,
  table,
  throughput,
  throughputRatio,
  timingOf,
} from '../../bench/harness.js';
import { runPool } from '../pool.js';
import { patchReport } from './patches.js';
import { COMPARISONS, PRETRAIN, pruningOf, type Rate, SCENE, SEEDS, type Variant, VIT } from './settings.js';
import type { Task, TaskResult } from './task.js';
import { build, testScenes } from './train.js';

const SCRIPT = fileURLToPath(new URL('./task.ts', import.meta.url));
/** Images per forward pass when speed is measured. */
const BATCH = 50;

const comparison = argv[3] ?? 'routers';
if (!COMPARISONS[comparison]) throw new Error(`cropr: must be one of ${Object.keys(COMPARISONS).join(', ')}.`);
const { variants, fineTune, testScenes: testCount } = COMPARISONS[comparison];

const hash = (...settings: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 8);
/** Models and results stay here, so that a run which was broken off goes on. */
const home = `.cache/experiments/cropr-${hash(PRETRAIN, SCENE, VIT)}`;
const backboneOf = (seed: number): Task => {
  const folder = `${home}/backbone-${seed}`;
  return { seed, recipe: PRETRAIN, testScenes: testCount, backbone: folder, folder };
};
const taskOf = (seed: number, variant: Variant | Rate): Task => {
  const key = hash(fineTune, testCount, variant === 'unpruned' ? null : pruningOf(variant));
  const folder = `${home}/${variant}-${seed}-${key}`;
  return { ...backboneOf(seed), variant, recipe: fineTune, folder };
};
const fileOf = ({ folder }: Task): string => `${folder}/result.json`;
const begin = Date.now();
const minutes = (): string => `${((Date.now() - begin) / 60_000).toFixed(1)} min`;

/** Does what is not done yet. */
async function run(tasks: readonly Task[]): Promise<void> {
  const missing = tasks.filter((task) => !existsSync(fileOf(task)));
  if (missing.length < tasks.length) console.log(`found in ${home}: ${tasks.length - missing.length}`);
  const processes = Math.min(availableParallelism(), SEEDS.length);
  await runPool<Task, TaskResult>(SCRIPT, missing, processes, (task, result) => {
    writeFileSync(fileOf(task), JSON.stringify(result));
    console.log(`${minutes()}: ${task.variant ?? 'backbone'}, seed ${task.seed}: ${result.accuracy.toFixed(2)} %`);
  });
}

console.log(machine());
await run(SEEDS.map(backboneOf));
await run(SEEDS.flatMap((seed) => variants.map((variant) => taskOf(seed, variant))));

const scores = (variant: Variant | Rate): number[] =>
  SEEDS.map((seed) => (JSON.parse(readFileSync(fileOf(taskOf(seed, variant)), 'utf8')) as TaskResult).accuracy);

await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const { images } = await testScenes(BATCH);
const timings = await measure(
  variants.map((name) => {
    const model = stripAuxHeads(build(name, 1));
    const run = async (): Promise<void> => {
      const logits = tf.tidy(() => model.predict(images, { batchSize: BATCH }) as tf.Tensor);
      await logits.data();
      logits.dispose();
    };
    return { name, items: BATCH, run };
  }),
  { rounds: 20, seconds: 60 },
);

const rows = variants.map((variant) => {
  const all = scores(variant);
  const speed = throughputRatio(timingOf(timings, variant), timingOf(timings, 'unpruned')).median;
  const rate = summarize(throughput(timingOf(timings, variant))).median;
  const spread = `${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)}`;
  return [variant, quantile(all, 0.5).toFixed(1), spread, `${speed.toFixed(2)}x`, rate.toFixed(0)];
});
console.log(`\n${SEEDS.length} seeds, ${minutes()}\n`);
console.log(table([['variant', 'accuracy, median (%)', 'range', 'speed', 'images/s'], ...rows]));
if (comparison === 'longer') {
  const folderOf = (seed: number, variant: Variant): string => taskOf(seed, variant).folder;
  const models = SEEDS.map((seed) => ({ seed, unpruned: folderOf(seed, 'unpruned'), cropr: folderOf(seed, 'cropr') }));
  console.log(`\n${await patchReport(models, testCount)}`);
}

const byVariant = (value: (variant: Variant | Rate) => number): Record<string, number> =>
  Object.fromEntries(variants.map((variant) => [variant, Number(value(variant).toFixed(2))]));
const accuracies = byVariant((variant) => quantile(scores(variant), 0.5));
const rates = byVariant((variant) => summarize(throughput(timingOf(timings, variant))).median);
console.log(`\n${JSON.stringify({ ...accuracies, throughput: rates })}`);
