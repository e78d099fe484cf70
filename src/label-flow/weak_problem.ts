import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { type Bounds, boundsTable } from './bounds.js';
import { type Features, type Matrix, readFeatures } from './features.js';
import { classPrior, majorityLabels } from './vote_labels.js';
import { readVotes, type Votes, type VoteTable } from './votes.js';

/** What both kinds of learners are told of their problem. */
export interface WeakConfig {
  features: number;
  labelSize: number;
  bounds?: Bounds;
  classBalance?: readonly number[];
}

/** Features and votes, read and checked. */
export interface WeakProblem {
  data: Matrix;
  table: VoteTable;
  prior: readonly number[];
  /** Soft labels `[rows, classes]` by majority. */
  majority: Float32Array;
  bounds: number[][];
}

/** Reads what a learner is to learn from. */
export async function readProblem(owner: string, config: WeakConfig, x: Features, votes: Votes): Promise<WeakProblem> {
  const { labelSize, classBalance } = config;
  const data = await readFeatures(owner, x, config.features);
  const table = readVotes(owner, votes, labelSize, data.rows);
  const prior = classPrior(owner, labelSize, classBalance);
  const majority = majorityLabels(table, prior);
  const bounds = boundsTable(owner, table, config.bounds, majority);
  return { data, table, prior, majority, bounds };
}

/** Votes as tensors: probabilities `[N, L, C]`, and 1 where a signal votes `[N, L, 1]`. */
export function voteTensors({ rows, signals, classes, probabilities, voted }: VoteTable): [Tensor, Tensor] {
  return [tensor(probabilities, [rows, signals, classes]), tensor(Float32Array.from(voted), [rows, signals, 1])];
}
