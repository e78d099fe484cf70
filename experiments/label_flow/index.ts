/**
 * Label flows on three tables with the splits, the one-feature signals and the bounds of Adversarial Label Learning, as the
 * authors' code was measured. `npm run experiment -- label-flow 1` runs the first seed alone.
 */
import { availableParallelism } from 'node:os';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { machine, quantile, table } from '../../bench/harness.js';
import { runPool } from '../pool.js';
import { type Comparison, LEARNERS } from './compare.js';
import { cell, minutes, rounded } from './report.js';
import { ABLATION_SEEDS, FLOWS, type Flow, SEEDS, TABLES } from './settings.js';
import type { Task } from './task.js';

const SCRIPT = fileURLToPath(new URL('./task.ts', import.meta.url));
const count = Number(argv[3] ?? SEEDS.length);

const main = SEEDS.slice(0, count).flatMap((seed) => TABLES.map((name): Task => ({ table: name, seed, flow: 'flow' })));
const ablations = (Object.keys(FLOWS) as Flow[])
  .filter((flow) => flow !== 'flow')
  .flatMap((flow) => ABLATION_SEEDS.slice(0, count).map((seed): Task => ({ table: 'breastCancer', seed, flow })));
const tasks = [...main, ...ablations];

console.log(machine());
const note = ({ table: name, seed, flow }: Task, { accuracies, seconds, loss }: Comparison): void =>
  console.log(
    `${minutes()}: ${name}, seed ${seed}: ${flow} ${accuracies[flow]?.toFixed(3)}, loss ${loss.toFixed(2)}, ${seconds.toFixed(0)} s`,
  );
const results = await runPool<Task, Comparison>(SCRIPT, tasks, Math.min(availableParallelism(), tasks.length), note);

/** Accuracies of one learner over the seeds. */
function scores(name: Task['table'], flow: Flow, learner: string): number[] {
  return tasks.flatMap((task, i) => {
    const score = results[i]?.accuracies[learner];
    return task.table === name && task.flow === flow && score !== undefined ? [score] : [];
  });
}

const rows = LEARNERS.map((learner) => [learner, ...TABLES.map((name) => cell(scores(name, 'flow', learner)))]);
console.log(`\n${count} seeds, ${minutes()}; accuracy on the test rows, median and range\n`);
console.log(table([['learner', ...TABLES], ...rows]));
const variants = (Object.keys(FLOWS) as Flow[]).map((flow) => {
  const values = scores('breastCancer', flow, flow).slice(0, ABLATION_SEEDS.length);
  return [flow, JSON.stringify(FLOWS[flow]), cell(values)];
});
console.log(`\nAblations on breast cancer, seeds ${ABLATION_SEEDS.slice(0, count).join(', ')}\n`);
console.log(table([['variant', 'changed', 'accuracy'], ...variants]));
const training = results.filter((_, i) => tasks[i]?.flow === 'flow').map(({ seconds }) => seconds);
console.log(
  `\nTraining of a flow: median ${quantile(training, 0.5).toFixed(0)} s (501 epochs, others at work beside it)`,
);

const medians = TABLES.map((name) => [name, rounded(scores(name, 'flow', 'flow'))]);
console.log(`\n${JSON.stringify(Object.fromEntries(medians))}`);
