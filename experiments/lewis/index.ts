/** Does forgetting make an invented language compositional? Topographic similarity over time, for three regimes. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { machine, quantile, table } from '../../bench/harness.js';
import type { Progress, Regime } from '../../examples/lewis-game/regimes.js';
import { runPool } from '../pool.js';
import { PLAN, REGIMES, SEEDS } from './settings.js';
import type { Task } from './task.js';

const SCRIPT = fileURLToPath(new URL('./task.ts', import.meta.url));

console.log(machine());
const tasks = REGIMES.flatMap((regime) => SEEDS.map((seed): Task => ({ regime, seed })));
const histories = await runPool<Task, Progress[]>(SCRIPT, tasks, availableParallelism(), ({ regime, seed }, history) =>
  console.log(`${regime}, seed ${seed}: similarity ${history.at(-1)?.similarity.all.toFixed(3)}`),
);

/** The median over the seeds of a figure, at a share of the game. */
function median(regime: Regime, share: number, figure: (progress: Progress) => number): number {
  const own = histories.filter((_, i) => tasks[i]?.regime === regime);
  return quantile(
    own.map((history) => figure(history[Math.max(0, Math.round(share * history.length) - 1)] as Progress)),
    0.5,
  );
}

const shares = [0.1, 0.25, 0.5, 0.75, 1];
const similarity = ({ similarity: { all } }: Progress): number => all;
const rows = REGIMES.map((regime) => [
  regime,
  ...shares.map((share) => median(regime, share, similarity).toFixed(3)),
  median(regime, 1, ({ similarity: { distinct } }) => distinct).toFixed(3),
  `${(100 * median(regime, 1, ({ won }) => won)).toFixed(0)} %`,
]);
const head = ['regime', ...shares.map((share) => `${PLAN.iterations * share}`), 'different objects', 'found'];
console.log(`\n${SEEDS.length} seeds, medians; similarity by iterations\n\n${table([head, ...rows])}`);
const figures = REGIMES.map((regime) => [regime, Number(median(regime, 1, similarity).toFixed(3))]);
console.log(`\n${JSON.stringify(Object.fromEntries(figures))}`);
