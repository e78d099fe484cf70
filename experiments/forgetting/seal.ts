/**
 * The papers' comparison at a small scale: plain training, once and for as long as the others, against later-layer
 * forgetting, Knowledge Evolution and SEAL. `npm run experiment -- seal ascents` is the choice of SEAL's settings.
 */
import { argv } from 'node:process';
import {
  ACCURACY,
  type Column,
  DEPTH,
  FEW_SHOT,
  MEMORISED,
  median,
  minutes,
  outcomeTable,
  TRANSFER,
  trainAll,
} from './compare.js';
import { ASCENTS, METHODS, type Method, REGIMES, type RegimeName, SEEDS, VALIDATION_SEED } from './settings.js';
import type { Outcome, Run } from './train.js';

const COLUMNS = [ACCURACY, TRANSFER, FEW_SHOT, DEPTH, MEMORISED];
type MethodName = keyof typeof METHODS;
const NAMES = Object.keys(METHODS) as MethodName[];

async function chooseAscent(): Promise<void> {
  const runs = ASCENTS.map(
    (method): Run => ({ regime: REGIMES.noisy, method, seed: VALIDATION_SEED, validation: true }),
  );
  const outcomes = await trainAll(runs);
  const rows = ASCENTS.map(
    ({ seal }: Method, i) =>
      [`${seal?.scale}, ${seal?.ascentEpochs} epochs, before ${seal?.early}`, [outcomes[i] as Outcome]] as const,
  );
  console.log(`\nValidation images, seed ${VALIDATION_SEED}, ${minutes()}\n\n${outcomeTable(rows, COLUMNS)}`);
}

async function compare(): Promise<void> {
  const tasks = (Object.keys(REGIMES) as RegimeName[]).flatMap((regime) =>
    NAMES.flatMap((name) => SEEDS.map((seed) => ({ regime, name, seed }))),
  );
  const outcomes = await trainAll(
    tasks.map(({ regime, name, seed }) => ({ regime: REGIMES[regime], method: METHODS[name], seed })),
  );
  const of = (regime: RegimeName, name: MethodName): Outcome[] =>
    outcomes.filter((_, i) => tasks[i]?.regime === regime && tasks[i]?.name === name);
  for (const regime of Object.keys(REGIMES) as RegimeName[]) {
    const rows = NAMES.map((name) => [name, of(regime, name)] as const);
    console.log(`\n${regime}: ${JSON.stringify(REGIMES[regime])}, ${SEEDS.length} seeds, median and range\n`);
    console.log(outcomeTable(rows, COLUMNS));
  }
  console.log(`\n${minutes()}\n`);
  const medians = ({ of: figure }: Column): Record<string, number> =>
    Object.fromEntries(NAMES.map((name) => [name, Number(median(of('noisy', name), figure).toFixed(4))]));
  console.log(JSON.stringify({ ...medians(ACCURACY), transfer: medians(TRANSFER), predictionDepth: medians(DEPTH) }));
}

await (argv[3] === 'ascents' ? chooseAscent() : compare());
