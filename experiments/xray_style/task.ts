/** A child process: one contender learns one style from one seed, and is scored on images that it has not seen. */
import { writeFile } from 'node:fs/promises';
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { type RemapCurve, ssim } from 'tfjs-llf';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { toTensor } from '../../examples/data/grey_image.js';
import { type Learned, learn } from './contenders.js';
import { type Pair, pairsOf, radiographs } from './data.js';
import { curveChart, writeExample } from './figures.js';
import type { Contender } from './settings.js';
import { STYLES, type Style } from './styles.js';

/** What a child is asked to do. */
export interface Task {
  style: string;
  contender: Contender;
  seed: number;
  /** Where the images lie, and figures go. */
  folder: string;
  /** Whether figures of the curve and of one image of each kind are wanted. */
  drawn: boolean;
}

/** How near results come to the target. */
export interface Score {
  ssim: number;
  mse: number;
}

/** What it answers. */
export interface TaskResult {
  /** Means over the images of each kind, and over all. */
  scores: Record<string, Score>;
  curve?: RemapCurve;
  seconds: number;
}

/** A score of each pair. */
async function scoresOf({ apply }: Learned, pairs: readonly Pair[]): Promise<Score[]> {
  const scores: Score[] = [];
  for (const { source, target } of pairs) {
    const image = toTensor(source);
    const result = await apply(image);
    const [alike = 0, error = 0] = tf.tidy(() => {
      const wanted = toTensor(target);
      return [ssim(wanted, result), tf.mean(tf.square(tf.sub(wanted, result)))].map((x) => x.dataSync()[0] as number);
    });
    scores.push({ ssim: alike, mse: error });
    tf.dispose([image, result]);
  }
  return scores;
}

function meanOf(scores: readonly Score[]): Score {
  const mean = (part: keyof Score): number => scores.reduce((sum, score) => sum + score[part], 0) / scores.length;
  return { ssim: mean('ssim'), mse: mean('mse') };
}

const task = JSON.parse(argv.at(-1) ?? '') as Task;
await tf.setBackend('wasm');
await tf.ready();
await accelerateWasm();
const style = STYLES.find(({ name }) => name === task.style) as Style;
const images = await radiographs(task.folder);
const trained: Pair[] = [];
const tested: Pair[] = [];
for (const group of images) {
  trained.push(...(await pairsOf(group.kind, group.trained, style)));
  tested.push(...(await pairsOf(group.kind, group.tested, style)));
}
const begin = performance.now();
const learned = await learn(task.contender, trained, task.seed);
const seconds = (performance.now() - begin) / 1000;
const all = await scoresOf(learned, tested);
const scores: Record<string, Score> = { all: meanOf(all) };
for (const { kind } of images) scores[kind] = meanOf(all.filter((_, i) => tested[i]?.kind === kind));
const { curve } = learned;
if (task.drawn && curve) {
  await writeFile(`${task.folder}/${style.name}.svg`, curveChart(style, curve));
  for (const { kind } of images) {
    await writeExample(
      `${task.folder}/${style.name}-${kind}.png`,
      learned,
      tested.find((pair) => pair.kind === kind) as Pair,
    );
  }
}
const result: TaskResult = { scores, seconds, ...(curve && { curve }) };
process.send?.(result, () => process.exit());
