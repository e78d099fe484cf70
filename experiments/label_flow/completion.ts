/**
 * Completion of partial shapes by flows that never see a partial shape with its whole one. `npm run experiment --
 * label-flow-clouds 3` runs three seeds, the first alone is the default.
 */
import { availableParallelism } from 'node:os';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { machine, table } from '../../bench/harness.js';
import { runPool } from '../pool.js';
import type { CompletionScores } from './cloud_metrics.js';
import { FAMILIES, type Family } from './clouds.js';
import type { CompletionTask } from './completion_task.js';
import { cell, minutes, rounded } from './report.js';

const SCRIPT = fileURLToPath(new URL('./completion_task.ts', import.meta.url));
const SEEDS: readonly number[] = [0, 1, 2].slice(0, Number(argv[3] ?? 1));
const METRICS: Readonly<Record<keyof CompletionScores, string>> = {
  mmd: 'MMD, 1e-3, from real shapes to completions (less is better)',
  tmd: 'TMD, 1e-3, between completions of one shape (more is more varied)',
  uhd: 'UHD, 1e-2, from partial shapes to their completions (less is better)',
};
const UNITS: Readonly<Record<keyof CompletionScores, number>> = { mmd: 1e-3, tmd: 1e-3, uhd: 1e-2 };

const tasks = FAMILIES.flatMap((family) => SEEDS.map((seed): CompletionTask => ({ family, seed })));
console.log(machine());
const results = await runPool<CompletionTask, Record<string, CompletionScores>>(
  SCRIPT,
  tasks,
  Math.min(availableParallelism(), tasks.length),
  ({ family, seed }, scores) => console.log(`${minutes()}: ${family}, seed ${seed}: ${JSON.stringify(scores)}`),
);
console.log(`\n${SEEDS.length} seeds, ${minutes()}; median and range`);
const names = Object.keys(results[0] ?? {});
const scores = (family: Family, name: string, metric: keyof CompletionScores): number[] =>
  results.flatMap((result, i) => {
    const value = result[name]?.[metric];
    return tasks[i]?.family === family && value !== undefined ? [value / UNITS[metric]] : [];
  });
for (const metric of Object.keys(METRICS) as (keyof CompletionScores)[]) {
  const rows = names.map((name) => [name, ...FAMILIES.map((family) => cell(scores(family, name, metric), 2))]);
  console.log(`\n${METRICS[metric]}\n`);
  console.log(table([['contender', ...FAMILIES], ...rows]));
}
const medians = FAMILIES.map((family) => [family, rounded(scores(family, 'flow', 'uhd'))]);
console.log(`\n${JSON.stringify(Object.fromEntries(medians))}`);
