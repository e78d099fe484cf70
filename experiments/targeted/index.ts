/** Are mislabelled and difficult samples forgotten first? Copies of a network forget while it learns. */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { machine, quantile, table } from '../../bench/harness.js';
import { type LineChart, lineChart } from '../../examples/plot/line_chart.js';
import { plotPage } from '../../examples/plot/page.js';
import { FOLDER } from '../forgetting/compare.js';
import { runPool } from '../pool.js';
import { OPERATIONS, PROBES, SEEDS } from './settings.js';
import type { Found, Split } from './task.js';

const SCRIPT = fileURLToPath(new URL('./task.ts', import.meta.url));
type Group = 'mislabelled' | 'difficult';

console.log(machine());
const found = await runPool<number, Found[]>(SCRIPT, SEEDS, Math.min(availableParallelism(), SEEDS.length));

/** Median over the seeds, in per cent. */
function median(epoch: number, operation: string, group: Group, part: keyof Split): number {
  const values = found.flatMap((one) =>
    one.filter((entry) => entry.epoch === epoch && entry.operation === operation).map((entry) => entry[group][part]),
  );
  return 100 * quantile(values, 0.5);
}

const operations = ['before', ...Object.keys(OPERATIONS)];
const last = PROBES.at(-1) as number;
const cells = (operation: string): string[] =>
  (['mislabelled', 'difficult'] as const).flatMap((group) =>
    (['inside', 'others'] as const).map((part) => median(last, operation, group, part).toFixed(1)),
  );
console.log(`\n${SEEDS.length} seeds, medians: training labels given back after ${last} epochs (%)\n`);
console.log(
  table([
    ['forgotten', 'mislabelled', 'not mislabelled', 'difficult', 'not difficult'],
    ...operations.map((operation) => [operation, ...cells(operation)]),
  ]),
);

const series = (operation: string, part: keyof Split, name: string): LineChart['series'][number] => ({
  name,
  dashed: operation === 'before',
  points: PROBES.map((epoch) => [epoch, median(epoch, operation, 'mislabelled', part)] as const),
});
const chart: LineChart = {
  title: 'Half of the weights drawn anew: what is forgotten',
  xLabel: 'epochs trained before',
  yLabel: 'labels given back (%)',
  series: [
    series('before', 'others', 'others, before'),
    series('before', 'inside', 'mislabelled, before'),
    series('randomToNew', 'others', 'others, after'),
    series('randomToNew', 'inside', 'mislabelled, after'),
  ],
};
await mkdir(FOLDER, { recursive: true });
await writeFile(`${FOLDER}/targeted.svg`, lineChart(chart));
await writeFile(`${FOLDER}/targeted.html`, await plotPage(chart));
console.log(`\nDrawn in ${FOLDER}/targeted.svg and ${FOLDER}/targeted.html\n`);

/** What is left, after over before. */
const left = (operation: string, part: keyof Split): number =>
  Number((median(last, operation, 'mislabelled', part) / median(last, 'before', 'mislabelled', part)).toFixed(3));
const kept = Object.keys(OPERATIONS).map((operation) => [
  operation,
  { mislabelled: left(operation, 'inside'), others: left(operation, 'others') },
]);
console.log(JSON.stringify(Object.fromEntries(kept)));
