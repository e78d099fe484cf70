/**
 * Fusion and routers for detection: one unpruned detector per seed, trained on scenes of several digits, then fine-tuned
 * with every variant at an equal schedule. `npm run experiment -- detection quick` only shows that everything runs.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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
import { backboneOf, folderOf, modelOf, resultOf } from './files.js';
import { patchReport } from './patches.js';
import { FULL, QUICK, VARIANTS, type Variant } from './settings.js';
import type { Task } from './task.js';
import { build, type Score, testScenes } from './train.js';

const SCRIPT = fileURLToPath(new URL('./task.ts', import.meta.url));
/** Images per forward pass when speed is measured. */
const BATCH = 32;

const quick = argv[3] === 'quick';
const settings = quick ? QUICK : FULL;
const { seeds } = settings;
/** Backbones and results stay here, so that a run which was broken off goes on. */
const folder = folderOf(settings);
const fileOf = ({ seed, variant }: Pick<Task, 'seed' | 'variant'>): string =>
  variant === 'backbone' ? `${backboneOf(settings, seed)}/model.json` : resultOf(settings, variant, seed);
const begin = Date.now();
const minutes = (): string => `${((Date.now() - begin) / 60_000).toFixed(1)} min`;

/** Does what is not done yet. */
async function run(variants: readonly Task['variant'][]): Promise<void> {
  const tasks = seeds.flatMap((seed) => variants.map((variant): Task => ({ seed, variant, settings })));
  const missing = tasks.filter((task) => !existsSync(fileOf(task)));
  if (missing.length < tasks.length) console.log(`found in ${folder}: ${tasks.length - missing.length}`);
  await runPool<Task, Score>(SCRIPT, missing, availableParallelism(), (task, result) => {
    if (task.variant !== 'backbone') writeFileSync(fileOf(task), JSON.stringify(result));
    const [box, mask] = [result.box.toFixed(1), result.mask.toFixed(1)];
    console.log(`${minutes()}: ${task.variant}, seed ${task.seed}: box AP ${box}, mask AP ${mask}`);
  });
}

console.log(machine());
mkdirSync(folder, { recursive: true });
await run(['backbone']);
await run(VARIANTS);

const scores = (variant: Variant, key: keyof Score): number[] =>
  seeds.map((seed) => (JSON.parse(readFileSync(fileOf({ seed, variant }), 'utf8')) as Score)[key]);
const medianOf = (variant: Variant, key: keyof Score): number => quantile(scores(variant, key), 0.5);

await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const { images } = await testScenes(BATCH);
const timings = await measure(
  VARIANTS.map((name) => {
    const model = stripAuxHeads(build(name, 1));
    const run = async (): Promise<void> => {
      const cells = tf.tidy(() => model.predict(images, { batchSize: BATCH }) as tf.Tensor);
      await cells.data();
      cells.dispose();
    };
    return { name, items: BATCH, run };
  }),
  quick ? { rounds: 2, seconds: 10 } : { rounds: 20, seconds: 60 },
);

const rows = VARIANTS.map((variant) => {
  const all = scores(variant, 'box');
  const speed = throughputRatio(timingOf(timings, variant), timingOf(timings, 'unpruned')).median;
  const rate = summarize(throughput(timingOf(timings, variant))).median;
  const spread = `${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)}`;
  const cells = (['box', 'box50', 'mask', 'mask50'] as const).map((key) => medianOf(variant, key).toFixed(1));
  return [variant, ...cells, spread, `${speed.toFixed(2)}x`, rate.toFixed(0)];
});
console.log(`\n${seeds.length} seeds, ${minutes()}\n`);
const head = ['variant', 'box AP (%)', 'box AP50', 'mask AP', 'mask AP50', 'range of box AP', 'speed', 'images/s'];
console.log(table([head, ...rows]));

const ROUTED: readonly Variant[] = ['cropr', 'ink'];
const models = ROUTED.map((variant) => [variant, seeds.map((seed) => modelOf(settings, variant, seed))] as const);
console.log(`\n${await patchReport(Object.fromEntries(models))}`);

const byVariant = (value: (variant: Variant) => number): Record<string, number> =>
  Object.fromEntries(VARIANTS.map((variant) => [variant, Number(value(variant).toFixed(2))]));
const rates = byVariant((variant) => summarize(throughput(timingOf(timings, variant))).median);
const maskAp = byVariant((variant) => medianOf(variant, 'mask'));
console.log(`\n${JSON.stringify({ ...byVariant((variant) => medianOf(variant, 'box')), maskAp, throughput: rates })}`);
