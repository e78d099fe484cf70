/**
 * X-ray styles learned from pairs: Aubry's transfer by histograms, a filter of three numbers, the same with a
 * normalisation, and a network with a normalisation. Each hidden style is learned by each from the same pairs; what is
 * reported comes from images that no contender has seen. `npm run experiment -- xray-style --quick` takes one seed.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { explainRemap, isMonotone } from 'tfjs-llf';
import { machine, quantile, table } from '../../bench/harness.js';
import { runPool } from '../pool.js';
import { radiographs } from './data.js';
import { SHOWN } from './figures.js';
import { FOLDER, fileOf } from './folder.js';
import { CONTENDERS, type Contender, SEEDS } from './settings.js';
import { STYLES } from './styles.js';
import type { Score, Task, TaskResult } from './task.js';

const SCRIPT = fileURLToPath(new URL('./task.ts', import.meta.url));
const seeds = argv.includes('--quick') ? SEEDS.slice(0, 1) : SEEDS;
const begin = Date.now();
const minutes = (): string => `${((Date.now() - begin) / 60_000).toFixed(1)} min`;

/** The transfer by histograms draws no random numbers. */
const seedsOf = (contender: Contender): readonly number[] => (contender === 'aubry' ? seeds.slice(0, 1) : seeds);
const tasks: Task[] = STYLES.flatMap(({ name: style }) =>
  CONTENDERS.flatMap((contender) =>
    seedsOf(contender).map((seed): Task => {
      const drawn = contender === 'mlpNorm' && seed === SEEDS[0];
      return { style, contender, seed, folder: FOLDER, drawn };
    }),
  ),
);

console.log(machine());
const kinds = (await radiographs(FOLDER)).map(({ kind }) => kind);
const missing = tasks.filter((task) => !existsSync(fileOf(task)));
if (missing.length < tasks.length) console.log(`found in ${FOLDER}: ${tasks.length - missing.length}`);
const show = ({ ssim, mse }: Score): string => `SSIM ${ssim.toFixed(3)}, MSE ${mse.toExponential(1)}`;
await runPool<Task, TaskResult>(SCRIPT, missing, availableParallelism(), (task, result) => {
  writeFileSync(fileOf(task), JSON.stringify(result));
  const { style, contender, seed } = task;
  console.log(`${minutes()}: ${style}, ${contender}, seed ${seed}: ${show(result.scores['all'] as Score)}`);
});
const results = tasks.map((task) => ({
  ...task,
  result: JSON.parse(readFileSync(fileOf(task), 'utf8')) as TaskResult,
}));

/** The median over the runs of a contender, of one style or of all. */
function median(contender: Contender, part: keyof Score, kind = 'all', style?: string): number {
  const own = results.filter((one) => one.contender === contender && (style === undefined || one.style === style));
  return quantile(
    own.map(({ result }) => result.scores[kind]?.[part] as number),
    0.5,
  );
}

const styleNames = STYLES.map(({ name }) => name);
const rows = CONTENDERS.map((contender) => [
  contender,
  median(contender, 'ssim').toFixed(3),
  ...styleNames.map((style) => median(contender, 'ssim', 'all', style).toFixed(3)),
  ...kinds.map((kind) => median(contender, 'ssim', kind).toFixed(3)),
  median(contender, 'mse').toExponential(1),
]);
console.log(`\n${seeds.length} seeds, ${STYLES.length} styles, ${minutes()}; medians of SSIM; figures in ${FOLDER}\n`);
console.log(table([['contender', 'all', ...styleNames, ...kinds, 'MSE, all'], ...rows]));

/** The lowest slope among the details that are found in radiographs, and among all. */
function lowest({ curve }: TaskResult, most: number): number {
  const slopes = curve?.slope.filter((_, i) => Math.abs(curve.detail[i] as number) <= most) ?? [];
  return Math.min(...slopes);
}

const curves = results.filter(({ result }) => result.curve);
const monotone = CONTENDERS.flatMap((contender) => {
  const own = curves.filter((one) => one.contender === contender).map(({ result }) => result);
  if (own.length === 0) return [];
  const rising = own.filter(({ curve }) => curve && isMonotone(curve)).length;
  const least = (most: number): string => Math.min(...own.map((result) => lowest(result, most))).toFixed(2);
  return [[contender, `${rising} of ${own.length}`, least(SHOWN), least(1)]];
});
console.log(`\n${table([['curves', 'monotone', `lowest slope up to ${SHOWN}`, 'anywhere'], ...monotone])}`);
for (const { style, drawn, result } of curves) {
  if (drawn && result.curve) console.log(`\n${style}: ${explainRemap(result.curve, 0.1)}`);
}
const figures = CONTENDERS.map((contender) => [contender, Number(median(contender, 'ssim').toFixed(3))]);
console.log(`\n${JSON.stringify(Object.fromEntries(figures))}`);
