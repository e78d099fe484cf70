import { add, argMax, div, sum, type Tensor, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import type { Features } from './features.js';
import type { Votes } from './votes.js';

/** What learns classes from features and votes: {@link labelFlow} and its rivals {@link labelBaseline}. */
export interface WeakLearner<Report = void> {
  /** Learns from features `[N, F]` and votes `[N][L]`, anew each time. */
  fit(x: Features, votes: Votes): Promise<Report>;
  /** Probabilities of the classes, `[N, C]` float32. NaN in a tensor of features stays NaN. */
  predictProba(x: Features): Tensor2D;
  /** The likeliest classes, `[N]` int32. */
  predict(x: Features): Tensor1D;
}

/** Rows of numbers of at least 0 as rows that sum to 1; a row of zeros becomes equal shares. */
export function probabilitiesOf(y: Tensor): Tensor2D {
  return tidy(() => {
    const shifted = add(y, 1e-7);
    return div(shifted, sum(shifted, 1, true)) as Tensor2D;
  });
}

/** The likeliest class of each row; takes the probabilities over. */
export function likeliest(probabilities: Tensor2D): Tensor1D {
  const classes = argMax(probabilities, 1) as Tensor1D;
  probabilities.dispose();
  return classes;
}
