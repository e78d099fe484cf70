/** What the experiments on forgetting share: networks trained in child processes, and their tables. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { machine, quantile, table } from '../../bench/harness.js';
import { runPool } from '../pool.js';
import { TRANSFERS } from './samples.js';
import { EPOCHS, RECIPE } from './settings.js';
import type { Outcome, Run } from './train.js';

const SCRIPT = fileURLToPath(new URL('./task.ts', import.meta.url));
const begin = Date.now();

/** Time since the experiment began. */
export const minutes = (): string => `${((Date.now() - begin) / 60_000).toFixed(1)} min`;

/** Pictures, and what came of each network. */
export const FOLDER = '.cache/experiments/forgetting';

/** Where the outcome of a run is kept: networks that several experiments report are trained once. */
function fileOf(run: Run): string {
  const settings = JSON.stringify([run, RECIPE, EPOCHS, TRANSFERS]);
  return `${FOLDER}/${createHash('sha256').update(settings).digest('hex').slice(0, 16)}.json`;
}

/** Trains them all, as many at once as there are processors, and says so as each is done. */
export async function trainAll(runs: readonly Run[]): Promise<Outcome[]> {
  console.log(machine());
  mkdirSync(FOLDER, { recursive: true });
  const missing = runs.filter((run) => !existsSync(fileOf(run)));
  const trained = await runPool<Run, Outcome>(SCRIPT, missing, availableParallelism(), (run, outcome) => {
    writeFileSync(fileOf(run), JSON.stringify(outcome));
    console.log(`${minutes()}: ${JSON.stringify(run.method)}, seed ${run.seed}: ${JSON.stringify(outcome)}`);
  });
  if (trained.length < runs.length)
    console.log(`found in ${FOLDER}: ${runs.length - trained.length} of ${runs.length}`);
  return runs.map((run) => JSON.parse(readFileSync(fileOf(run), 'utf8')) as Outcome);
}

/** A column of a table: its head, and the figure of a network, as a share unless `digits` says how it is written. */
export interface Column {
  head: string;
  of: (outcome: Outcome) => number | null;
  digits?: number;
}

const figures = (outcomes: readonly Outcome[], of: Column['of']): number[] =>
  outcomes.map(of).filter((value) => value !== null);

/** Median over the seeds; NaN where there is no figure. */
export function median(outcomes: readonly Outcome[], of: Column['of']): number {
  return quantile(figures(outcomes, of), 0.5);
}

/** Median and range. */
function cell(outcomes: readonly Outcome[], { of, digits }: Column): string {
  const values = figures(outcomes, of);
  if (values.length === 0) return '';
  const text = (value: number): string => (digits === undefined ? (100 * value).toFixed(1) : value.toFixed(digits));
  const middle = text(quantile(values, 0.5));
  return values.length === 1 ? middle : `${middle} (${text(Math.min(...values))} to ${text(Math.max(...values))})`;
}

/** One row per method. */
export function outcomeTable(
  rows: readonly (readonly [string, readonly Outcome[]])[],
  columns: readonly Column[],
): string {
  return table([
    ['method', ...columns.map(({ head }) => head)],
    ...rows.map(([name, outcomes]) => [name, ...columns.map((column) => cell(outcomes, column))]),
  ]);
}

export const ACCURACY: Column = { head: 'test accuracy (%)', of: ({ accuracies }) => accuracies.at(-1) ?? null };
export const TRANSFER: Column = { head: 'transfer (%)', of: ({ transfer }) => transfer };
export const FEW_SHOT: Column = { head: 'few-shot (%)', of: ({ fewShot }) => fewShot };
export const DEPTH: Column = { head: 'prediction depth', of: ({ depth }) => depth, digits: 2 };
export const MEMORISED: Column = { head: 'wrong labels learnt (%)', of: ({ fitted: { replaced } }) => replaced };
