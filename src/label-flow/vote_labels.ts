import { argumentError, requireNumber } from '../core/checks.js';
import { type VoteTable, votedClass } from './votes.js';

/** The given shares of the classes, or equal ones. */
export function classPrior(owner: string, classes: number, balance?: readonly number[]): number[] {
  if (balance === undefined) return Array.from({ length: classes }, () => 1 / classes);
  for (const share of balance) requireNumber(owner, 'classBalance', share, 0, 1);
  const total = balance.reduce((sum, share) => sum + share, 0);
  if (balance.length !== classes || Math.abs(total - 1) > 1e-3) {
    throw argumentError(owner, 'classBalance', `${classes} shares that sum to 1`, balance);
  }
  return [...balance];
}

/** Labels of one row from its votes, or the prior where there are none. */
function rowsOfLabels(
  table: VoteTable,
  prior: readonly number[],
  add: (sum: Float64Array, place: number) => void,
  finish: (sum: Float64Array) => ArrayLike<number>,
): Float32Array {
  const { rows, signals, classes, voted } = table;
  const labels = new Float32Array(rows * classes);
  for (let n = 0; n < rows; n++) {
    const sum = new Float64Array(classes);
    for (let l = 0; l < signals; l++) if (voted[n * signals + l]) add(sum, n * signals + l);
    labels.set(sum.some((value) => value > 0) ? finish(sum) : prior, n * classes);
  }
  return labels;
}

function normalized(values: ArrayLike<number>): number[] {
  const all = Array.from(values);
  const total = all.reduce((sum, value) => sum + value, 0);
  return all.map((value) => value / total);
}

/**
 * Soft labels `[rows, classes]` by majority: each signal has one vote; classes with most votes share the row by the
 * prior. A row where all abstain gets the prior.
 */
export function majorityLabels(table: VoteTable, prior: readonly number[]): Float32Array {
  return rowsOfLabels(
    table,
    prior,
    (sum, place) => {
      const voted = votedClass(table, place);
      sum[voted] = (sum[voted] as number) + 1;
    },
    (sum) => {
      const most = Math.max(...sum);
      const ties = Array.from(sum, (count, c) => (count === most ? (prior[c] as number) : 0));
      return normalized(ties.some((share) => share > 0) ? ties : Array.from(sum, (count) => (count === most ? 1 : 0)));
    },
  );
}

/** Soft labels `[rows, classes]` as the mean of the votes; a row where all abstain gets the prior. */
export function averageLabels(table: VoteTable, prior: readonly number[]): Float32Array {
  const { classes, probabilities } = table;
  return rowsOfLabels(
    table,
    prior,
    (sum, place) => {
      for (let c = 0; c < classes; c++) sum[c] = (sum[c] as number) + (probabilities[place * classes + c] as number);
    },
    normalized,
  );
}
