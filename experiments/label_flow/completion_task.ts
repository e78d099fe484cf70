/** A child process: one family of shapes with one seed, completed by flows and by what costs nothing. */
import { argv } from 'node:process';
import { randomStream } from 'tfjs-llf';
import { useWasm } from './backend.js';
import { type CompletionScores, completionScores, directedHausdorff } from './cloud_metrics.js';
import { type Cloud, cut, type Family, shapeOf } from './clouds.js';
import { type CompletionConfig, CompletionModel } from './completion_model.js';

/** What a child is told; it answers with scores by contender. */
export interface CompletionTask {
  family: Family;
  seed: number;
}

const POINTS = 128;
const SHARE = 0.6;
/** Partial shapes to train with, complete ones to train with, others for the test. */
const [TRAIN, TEST] = [100, 20];
const COMPLETIONS = 5;

const FLOW: Omit<CompletionConfig, 'seed'> = {
  points: POINTS,
  steps: 4,
  hidden: 16,
  code: 32,
  noise: 8,
  updates: 250,
  batch: 16,
  rate: 2e-3,
  likelihood: 0.1,
  adversary: 1,
  distance: 10,
};

function run({ family, seed }: CompletionTask): Record<string, CompletionScores> {
  const base = 1000 * seed;
  const shapes = (from: number, count: number): Cloud[] =>
    Array.from({ length: count }, (_, i) => shapeOf(family, POINTS, base + from + i));
  const partialOf = (clouds: readonly Cloud[], from: number): Cloud[] =>
    clouds.map((cloud, i) => cut(cloud, SHARE, base + from + i));
  // No partial shape belongs to a complete one that is trained with.
  const complete = shapes(0, TRAIN);
  const partial = partialOf(shapes(TRAIN, TRAIN), 0);
  const real = shapes(2 * TRAIN, TEST);
  const seen = partialOf(real, TRAIN);
  const score = (completions: readonly (readonly Cloud[])[]): CompletionScores =>
    completionScores(seen, completions, real);
  const byFlow = (config: Partial<CompletionConfig>): CompletionScores => {
    const model = new CompletionModel({ ...FLOW, seed, ...config });
    model.fit(partial, complete);
    const scores = score(model.complete(seen, COMPLETIONS));
    model.dispose();
    return scores;
  };
  const nearest = (shape: Cloud): Cloud[] =>
    [...complete]
      .map((one) => ({ one, distance: directedHausdorff(shape, one) }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, COMPLETIONS)
      .map(({ one }) => one);
  const any = (n: number): Cloud[] =>
    [...randomStream(seed, 'any', n).permutation(TRAIN)].slice(0, COMPLETIONS).map((i) => complete[i] as Cloud);
  return {
    flow: byFlow({}),
    noAdversary: byFlow({ adversary: 0 }),
    nothingAdded: score(seen.map((shape) => Array(COMPLETIONS).fill(shape))),
    nearestKnown: score(seen.map(nearest)),
    anyKnown: score(seen.map((_, n) => any(n))),
  };
}

await useWasm();
const result = run(JSON.parse(argv.at(-1) ?? '') as CompletionTask);
process.send?.(result, () => process.exit());
