/** A child process: one pair of classes with one seed. */
import { argv } from 'node:process';
import { voteSummary } from 'tfjs-llf';
import { useWasm } from './backend.js';
import { compare } from './compare.js';
import { type Pair, pairProblem } from './image_pairs.js';

const TRAIN_ROWS = 1000;
const TEST_ROWS = 1000;
const FLOW = { hidden: 16, epochs: 150, learningRate: 3e-3 };

async function run({ set, seed }: { set: Pair; seed: number }): Promise<Record<string, number>> {
  const problem = await pairProblem(set, seed, TRAIN_ROWS, TEST_ROWS);
  const { accuracies } = await compare(problem, FLOW);
  const best = Math.max(...voteSummary(problem.votes, problem.train.y).map(({ accuracy }) => accuracy));
  return { bestSignal: best, ...accuracies };
}

await useWasm();
const result = await run(JSON.parse(argv.at(-1) ?? ''));
process.send?.(result, () => process.exit());
