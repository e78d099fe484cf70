/** Runs a grid of sets and seeds in child processes and prints a table of what they send back, by name. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { machine, table } from '../../bench/harness.js';
import { runPool } from '../pool.js';
import { cell, minutes, rounded } from './report.js';

/** Runs the script on every set with every seed; the table has a column for each set. */
export async function runGrid<Set extends string>(
  script: URL,
  sets: readonly Set[],
  seeds: readonly number[],
): Promise<void> {
  const tasks = sets.flatMap((set) => seeds.map((seed) => ({ set, seed })));
  console.log(machine());
  const results = await runPool<(typeof tasks)[number], Record<string, number>>(
    fileURLToPath(script),
    tasks,
    Math.min(availableParallelism(), tasks.length),
    ({ set, seed }, scores) => console.log(`${minutes()}: ${set}, seed ${seed}: ${JSON.stringify(scores)}`),
  );
  const scores = (set: Set, name: string): number[] =>
    results.flatMap((result, i) => (tasks[i]?.set === set ? [result[name] as number] : []));
  const names = Object.keys(results[0] as Record<string, number>);
  console.log(`\n${seeds.length} seeds, ${minutes()}; median and range\n`);
  console.log(
    table([['learner', ...sets], ...names.map((name) => [name, ...sets.map((set) => cell(scores(set, name)))])]),
  );
  const medians = sets.map((set) => [set, rounded(scores(set, 'flow'))]);
  console.log(`\n${JSON.stringify(Object.fromEntries(medians))}`);
}
