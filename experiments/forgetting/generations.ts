/** Variants of one method, and their accuracy from generation to generation: a table, a picture and a page. */
import { writeFile } from 'node:fs/promises';
import { table } from '../../bench/harness.js';
import { type LineChart, lineChart } from '../../examples/plot/line_chart.js';
import { plotPage } from '../../examples/plot/page.js';
import { ACCURACY, DEPTH, FOLDER, MEMORISED, median, minutes, outcomeTable, TRANSFER, trainAll } from './compare.js';
import { EPOCHS, GENERATIONS, type Method, REGIMES, SEEDS } from './settings.js';
import type { Outcome } from './train.js';

/** Trains the variants on noisy labels, prints what came of them and draws it into `FOLDER`. */
export async function compareGenerations(title: string, variants: Readonly<Record<string, Method>>): Promise<void> {
  const names = Object.keys(variants);
  const tasks = names.flatMap((name) => SEEDS.map((seed) => ({ name, seed })));
  const outcomes = await trainAll(
    tasks.map(({ name, seed }) => ({ regime: REGIMES.noisy, method: variants[name] as Method, seed })),
  );
  const of = (name: string): Outcome[] => outcomes.filter((_, i) => tasks[i]?.name === name);
  const rows = names.map((name) => [name, of(name)] as const);
  const at = (name: string, generation: number): number =>
    median(of(name), ({ accuracies }) => accuracies[generation] ?? null);
  const slimAt = (name: string, generation: number): number => median(of(name), ({ slim }) => slim[generation] ?? null);
  const generations = Array.from({ length: GENERATIONS }, (_, i) => i);
  console.log(`\n${SEEDS.length} seeds, ${minutes()}; median and range at the end\n`);
  console.log(outcomeTable(rows, [ACCURACY, TRANSFER, DEPTH, MEMORISED]));
  const percent = (value: number): string => (Number.isNaN(value) ? '' : (100 * value).toFixed(1));
  const slim = names.filter((name) => of(name).some((outcome) => outcome.slim.length > 0));
  const lines = [
    ...names.map((name) => [name, ...generations.map((generation) => percent(at(name, generation)))]),
    ...slim.map((name) => [`${name}, slim`, ...generations.map((generation) => percent(slimAt(name, generation)))]),
  ];
  console.log(`\nTest accuracy (%) at the end of each generation, medians\n`);
  console.log(table([['variant', ...generations.map(String)], ...lines]));

  const chart: LineChart = {
    title,
    xLabel: 'epoch',
    yLabel: 'test accuracy (%)',
    series: names.map((name) => ({
      name,
      points: generations.map((generation) => [(generation + 1) * EPOCHS, 100 * at(name, generation)] as const),
    })),
    marks: generations.slice(1).map((generation) => generation * EPOCHS),
  };
  const file = `${FOLDER}/${title.toLowerCase().replaceAll(' ', '-')}`;
  await writeFile(`${file}.svg`, lineChart(chart));
  await writeFile(`${file}.html`, await plotPage(chart));
  console.log(`\nDrawn in ${file}.svg and ${file}.html\n`);
  console.log(
    JSON.stringify(Object.fromEntries(names.map((name) => [name, Number(median(of(name), ACCURACY.of).toFixed(4))]))),
  );
}
