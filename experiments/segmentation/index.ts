/**
 * Fusion and its rivals for segmentation, as the paper compares them: one unpruned backbone per seed, trained on scenes of
 * several digits, then fine-tuned with every variant at an equal schedule. `npm run experiment -- segmentation quick` only
 * shows that everything runs.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
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
import { backboneOf, folderOf, resultOf } from './files.js';
import { FULL, QUICK, VARIANTS, type Variant } from './settings.js';
import type { Task, TaskResult } from './task.js';
import { build, inferenceModel, testScenes } from './train.js';

const SCRIPT = fileURLToPath(new URL('./task.ts', import.meta.url));
/** Images per forward pass when speed is measured. */
const BATCH = 32;

const quick = argv[3] === 'quick';
const settings = quick ? QUICK : FULL;
const { seeds } = settings;

const fileOf = ({ seed, variant }: Task): string =>
  variant === 'backbone' ? `${backboneOf(settings, seed)}/model.json` : resultOf(settings, variant, seed);
const begin = Date.now();
const minutes = (): string => `${((Date.now() - begin) / 60_000).toFixed(1)} min`;

/** Does what is not done yet. */
async function run(variants: readonly Task['variant'][]): Promise<void> {
  const tasks = seeds.flatMap((seed) => variants.map((variant): Task => ({ seed, variant, settings })));
  const missing = tasks.filter((task) => !existsSync(fileOf(task)));
  if (missing.length < tasks.length) console.log(`found in ${folderOf(settings)}: ${tasks.length - missing.length}`);
  await runPool<Task, TaskResult>(SCRIPT, missing, availableParallelism(), (task, result) => {
    if (task.variant !== 'backbone') writeFileSync(fileOf(task), JSON.stringify(result));
    console.log(`${minutes()}: ${task.variant}, seed ${task.seed}: mIoU ${result.miou.toFixed(2)} %`);
  });
}

console.log(machine());
mkdirSync(folderOf(settings), { recursive: true });
await run(['backbone']);
await run(VARIANTS);

const results = (variant: Variant): TaskResult[] =>
  seeds.map((seed) => JSON.parse(readFileSync(resultOf(settings, variant, seed), 'utf8')) as TaskResult);
const medianOf = (variant: Variant, key: keyof TaskResult): number =>
  quantile(
    results(variant).map((result) => result[key]),
    0.5,
  );

await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const { images } = await testScenes(BATCH);
const timings = await measure(
  VARIANTS.map((name) => {
    const model = inferenceModel(build(name, 1), name);
    const run = async (): Promise<void> => {
      const map = tf.tidy(() => model.predict(images, { batchSize: BATCH }) as tf.Tensor);
      await map.data();
      map.dispose();
    };
    return { name, items: BATCH, run };
  }),
  quick ? { rounds: 2, seconds: 10 } : { rounds: 20, seconds: 90 },
);

const rows = VARIANTS.map((variant) => {
  const all = results(variant).map(({ miou }) => miou);
  const speed = throughputRatio(timingOf(timings, variant), timingOf(timings, 'unpruned')).median;
  const rate = summarize(throughput(timingOf(timings, variant))).median;
  const spread = `${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)}`;
  const cells = [quantile(all, 0.5), medianOf(variant, 'digits')].map((value) => value.toFixed(1));
  return [variant, ...cells, spread, `${speed.toFixed(2)}x`, rate.toFixed(0)];
});
console.log(`\n${seeds.length} seeds, ${minutes()}\n`);
const head = ['variant', 'mIoU, median (%)', 'digits only (%)', 'range of mIoU', 'speed', 'images/s'];
console.log(table([head, ...rows]));

const byVariant = (value: (variant: Variant) => number): Record<string, number> =>
  Object.fromEntries(VARIANTS.map((variant) => [variant, Number(value(variant).toFixed(2))]));
const rates = byVariant((variant) => summarize(throughput(timingOf(timings, variant))).median);
console.log(`\n${JSON.stringify({ ...byVariant((variant) => medianOf(variant, 'miou')), throughput: rates })}`);
