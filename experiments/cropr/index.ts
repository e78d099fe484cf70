/**
 * Routers compared as the paper does it: one unpruned backbone per seed, trained on scenes in which most patches say
 * nothing about the class, then fine-tuned with every router at an equal schedule.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
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
import { PRETRAIN, SCENE, SEEDS, VARIANTS, type Variant, VIT } from './settings.js';
import type { Task, TaskResult } from './task.js';
import { build, testScenes } from './train.js';

const SCRIPT = fileURLToPath(new URL('./task.ts', import.meta.url));
/** Images per forward pass when speed is measured. */
const BATCH = 50;

/** Backbones stay here, so that a run which was broken off goes on, and another fine-tuning starts from the same ones. */
const settings = createHash('sha256')
  .update(JSON.stringify([PRETRAIN, SCENE, VIT]))
  .digest('hex')
  .slice(0, 8);
const folder = `.cache/experiments/cropr-${settings}`;
const begin = Date.now();
const minutes = (): string => `${((Date.now() - begin) / 60_000).toFixed(1)} min`;
const note = ({ seed, variant }: Task, { accuracy }: TaskResult): void =>
  console.log(`${minutes()}: ${variant}, seed ${seed}: ${accuracy.toFixed(2)} %`);

console.log(machine());
const processes = Math.min(availableParallelism(), SEEDS.length);
const missing = SEEDS.filter((seed) => !existsSync(`${folder}/backbone-${seed}/model.json`));
if (missing.length < SEEDS.length) console.log(`backbones found in ${folder}: ${SEEDS.length - missing.length}`);
const backbones = missing.map((seed): Task => ({ seed, variant: 'backbone', folder }));
await runPool<Task, TaskResult>(SCRIPT, backbones, processes, note);
const tasks = SEEDS.flatMap((seed) => VARIANTS.map((variant) => ({ seed, variant, folder })));
const results = await runPool<Task, TaskResult>(SCRIPT, tasks, processes, note);

const scores = (variant: Variant): number[] =>
  results.filter((_, i) => tasks[i]?.variant === variant).map(({ accuracy }) => accuracy);

await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const { images } = await testScenes(BATCH);
const timings = await measure(
  VARIANTS.map((name) => {
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

const rows = VARIANTS.map((variant) => {
  const all = scores(variant);
  const speed = throughputRatio(timingOf(timings, variant), timingOf(timings, 'unpruned')).median;
  const rate = summarize(throughput(timingOf(timings, variant))).median;
  const spread = `${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)}`;
  return [variant, quantile(all, 0.5).toFixed(1), spread, `${speed.toFixed(2)}x`, rate.toFixed(0)];
});
console.log(`\n${SEEDS.length} seeds, ${minutes()}\n`);
console.log(table([['variant', 'accuracy, median (%)', 'range', 'speed', 'images/s'], ...rows]));

const byVariant = (value: (variant: Variant) => number): Record<string, number> =>
  Object.fromEntries(VARIANTS.map((variant) => [variant, Number(value(variant).toFixed(2))]));
const accuracies = byVariant((variant) => quantile(scores(variant), 0.5));
const rates = byVariant((variant) => summarize(throughput(timingOf(timings, variant))).median);
console.log(`\n${JSON.stringify({ ...accuracies, throughput: rates })}`);
