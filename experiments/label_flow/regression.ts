/**
 * Label flows that learn a number from the means of parts: rules divide the rows at the median of one feature, and the
 * mean number of each part is known. `npm run experiment -- label-flow-regression 1` runs the first split alone.
 */
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import { type LabelFlowConfig, labelFlow, randomStream } from 'tfjs-llf';
import { machine, quantile, table } from '../../bench/harness.js';
import { useWasm } from './backend.js';
import { leastSquares, onLine } from './least_squares.js';
import { cellRadii, diabetes, hasDiabetes, type NumberTable } from './number_tables.js';
import { cell, minutes, rounded } from './report.js';

const SEEDS: readonly number[] = [0, 1, 2, 3, 4];
const TEST_SHARE = 0.2;
/** The size of the specification's prototype. */
const FLOW = { steps: 4, hidden: 32, epochs: 400, learningRate: 3e-3 } as const;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Root of the mean squared error, in units of the range of all numbers. */
function rmse(predicted: ArrayLike<number>, truth: readonly number[], [low, high]: readonly [number, number]): number {
  return Math.sqrt(mean(truth.map((value, n) => (value - (predicted[n] as number)) ** 2))) / (high - low);
}

/** Which side of each rule's median a row is on. */
function partsOf(row: readonly number[], rules: readonly number[], medians: readonly number[]): number[] {
  return rules.map((feature, m) => Number((row[feature] as number) > (medians[m] as number)));
}

async function run({ x, y, rules }: NumberTable, seed: number): Promise<Record<string, number>> {
  const order = [...randomStream(seed, 'rows').permutation(y.length)];
  const testRows = order.slice(0, Math.round(TEST_SHARE * y.length));
  const trainRows = order.slice(testRows.length);
  const pick = <T>(of: readonly T[], rows: readonly number[]): T[] => rows.map((n) => of[n] as T);
  const [train, test] = [pick(x, trainRows), pick(x, testRows)];
  const [known, truth] = [pick(y, trainRows), pick(y, testRows)];
  const range = [Math.min(...y), Math.max(...y)] as const;
  const medians = rules.map((feature) =>
    quantile(
      train.map((row) => row[feature] as number),
      0.5,
    ),
  );
  const groups = train.map((row) => partsOf(row, rules, medians));
  const means = rules.map((_, m) => [0, 1].map((part) => mean(known.filter((_, n) => groups[n]?.[m] === part))));

  const flowError = async (config: Partial<LabelFlowConfig>): Promise<number> => {
    const flow = labelFlow({ features: train[0]?.length as number, labelSize: 1, range, seed, ...FLOW, ...config });
    await flow.fitMeans(train, groups, means);
    const error = tf.tidy(() => rmse(flow.predict(test).dataSync(), truth, range));
    flow.dispose();
    return error;
  };
  const averages = test.map((row) =>
    mean(partsOf(row, rules, medians).map((part, m) => (means[m] as number[])[part] as number)),
  );
  return {
    flow: await flowError({}),
    noLikelihood: await flowError({ nllWeight: 0 }),
    averageOfParts: rmse(averages, truth, range),
    constant: rmse(
      test.map(() => mean(known)),
      truth,
      range,
    ),
    supervisedLine: rmse(onLine(test, leastSquares(train, known)), truth, range),
  };
}

await useWasm();
console.log(machine());
const tables = [cellRadii(), ...(hasDiabetes() ? [await diabetes()] : [])];
const seeds = SEEDS.slice(0, Number(argv[3] ?? SEEDS.length));
const results = new Map<string, Record<string, number>[]>();
for (const one of tables) {
  const errors: Record<string, number>[] = [];
  for (const seed of seeds) {
    errors.push(await run(one, seed));
    console.log(`${minutes()}: ${one.name}, seed ${seed}: ${JSON.stringify(errors.at(-1))}`);
  }
  results.set(one.name, errors);
}
const names = Object.keys(results.get('cellRadius')?.[0] ?? {});
const errorsOf = (set: string, name: string): number[] =>
  (results.get(set) ?? []).map((errors) => errors[name] as number);
const sets = [...results.keys()];
console.log(`\n${seeds.length} seeds, ${minutes()}; RMSE in units of the range, median and range\n`);
console.log(
  table([['learner', ...sets], ...names.map((name) => [name, ...sets.map((set) => cell(errorsOf(set, name)))])]),
);
console.log(`\n${JSON.stringify(Object.fromEntries(sets.map((set) => [set, rounded(errorsOf(set, 'flow'))])))}`);
