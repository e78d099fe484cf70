/** A child process: one split of one set of reviews. */
import { argv } from 'node:process';
import { errorBounds, randomStream } from 'tfjs-llf';
import { useWasm } from './backend.js';
import { compare, flowOn, supervised } from './compare.js';
import { type REVIEWS, reviewSplit } from './reviews.js';

/** What a child is told; it answers with accuracies by name. */
export interface TextTask {
  set: (typeof REVIEWS)[number];
  seed: number;
}

const TEST_ROWS = 300;
const WORDS = 100;
/** Labelled sentences from which bounds come in the rows that end in `Few`. */
const FEW = 50;
const FLOW = { hidden: 16, epochs: 200, learningRate: 3e-3 };

/** Share of rows that the majority of their votes puts in the right class; half of a row without one. */
function rulesAlone(votes: readonly (readonly number[])[], labels: readonly number[]): number {
  const scores: number[] = votes.map((row, n) => {
    const balance = row.reduce((sum, vote) => sum + (vote < 0 ? 0 : 2 * vote - 1), 0);
    return balance === 0 ? 0.5 : Number(balance > 0 === (labels[n] === 1));
  });
  return scores.reduce((sum, score) => sum + score / scores.length, 0);
}

async function run({ set, seed }: TextTask): Promise<Record<string, number>> {
  const { train, test, votes, testVotes } = reviewSplit(set, seed, TEST_ROWS, WORDS);
  const problem = { train, test, votes, bounds: errorBounds(votes, train.y), seed };
  const { accuracies } = await compare(problem, FLOW);
  const known = [...randomStream(seed, 'known labels').permutation(train.y.length)].slice(0, FEW);
  const few = errorBounds(
    votes,
    train.y.map((label, n) => (known.includes(n) ? label : -1)),
  );
  return {
    rulesAlone: rulesAlone(testVotes, test.y),
    ...accuracies,
    flowFew: (await flowOn({ ...problem, bounds: few }, FLOW)).accuracy,
    supervisedFew: await supervised(problem, known),
  };
}

await useWasm();
const result = await run(JSON.parse(argv.at(-1) ?? '') as TextTask);
process.send?.(result, () => process.exit());
