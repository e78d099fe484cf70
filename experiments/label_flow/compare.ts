/** The flow against its rivals on one split, by the accuracy on the rows for the test. */
import * as tf from '@tensorflow/tfjs';
import {
  type BaselineMethod,
  type LabelFlowConfig,
  labelBaseline,
  labelFlow,
  type Votes,
  type WeakLearner,
} from 'tfjs-llf';
import { accuracy } from '../../test/label-flow/tables.js';

/** Rows with their true labels. */
export interface Labelled {
  x: number[][];
  y: number[];
}

/** What is learned from, and what it is measured with. */
export interface Problem {
  train: Labelled;
  test: Labelled;
  votes: Votes;
  bounds: number[] | number[][];
  seed: number;
}

/** Accuracies by name, and how the training of the flow went. */
export interface Comparison {
  accuracies: Record<string, number>;
  /** Training of the flow. */
  seconds: number;
  loss: number;
}

const RIVALS: readonly BaselineMethod[] = ['majority', 'average', 'ge', 'all', 'cll'];

/** Rows of the tables: the flow, its rivals, and what true labels would give. */
export const LEARNERS: readonly string[] = ['flow', ...RIVALS, 'supervised'];

function score(learner: WeakLearner<unknown>, { x, y }: Labelled): number {
  return tf.tidy(() => accuracy(learner.predict(x).dataSync(), y));
}

/** Trains a flow. */
export async function flowOn(
  { train, test, votes, bounds, seed }: Problem,
  config: Partial<LabelFlowConfig>,
): Promise<{ accuracy: number; seconds: number; loss: number }> {
  const features = train.x[0]?.length as number;
  const flow = labelFlow({ features, labelSize: 2, bounds, seed, ...config });
  const begin = performance.now();
  const { loss } = await flow.fit(train.x, votes);
  const seconds = (performance.now() - begin) / 1000;
  const result = { accuracy: score(flow, test), seconds, loss: loss.at(-1) as number };
  flow.dispose();
  return result;
}

/** Accuracy of the linear classifier from the labels of the given rows, all others left out. */
export async function supervised({ train, test }: Problem, rows = train.y.map((_, n) => n)): Promise<number> {
  const learner = labelBaseline({ method: 'majority', features: train.x[0]?.length as number, labelSize: 2 });
  // The true labels are the only signal.
  await learner.fit(
    rows.map((n) => train.x[n] as number[]),
    rows.map((n) => [train.y[n] as number]),
  );
  return score(learner, test);
}

/** Trains all: the flow, its rivals, and the same linear classifier from true labels. */
export async function compare(problem: Problem, config: Partial<LabelFlowConfig>): Promise<Comparison> {
  const { train, test, votes, bounds, seed } = problem;
  const { accuracy: flow, ...training } = await flowOn(problem, config);
  const accuracies: Record<string, number> = { flow };
  for (const method of RIVALS) {
    const rival = labelBaseline({ method, features: train.x[0]?.length as number, labelSize: 2, bounds, seed });
    await rival.fit(train.x, votes);
    accuracies[method] = score(rival, test);
  }
  accuracies['supervised'] = await supervised(problem);
  return { accuracies, ...training };
}
