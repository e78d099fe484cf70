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

/** Added to the shares that decide ties, so that classes without any share decide them equally. */
const TIE = 1e-9;

/** Labels from the sums of the votes for each class of a row, or of their probabilities. */
function labelsOf(table: VoteTable, prior: readonly number[], majority: boolean): Float32Array {
  const { rows, signals, classes, probabilities, voted } = table;
  const labels = new Float32Array(rows * classes);
  for (let n = 0; n < rows; n++) {
    const sums = Array<number>(classes).fill(0);
    for (let place = n * signals; place < (n + 1) * signals; place++) {
      if (!voted[place]) continue;
      const own = votedClass(table, place);
      sums.forEach((sum, c) => {
        sums[c] = sum + (majority ? Number(c === own) : (probabilities[place * classes + c] as number));
      });
    }
    const most = Math.max(...sums);
    const winners = sums.map((sum, c) => (sum === most ? (prior[c] as number) + TIE : 0));
    const voting = majority ? winners : sums;
    const shares = most > 0 ? voting : prior;
    const total = shares.reduce((sum, share) => sum + share, 0);
    labels.set(
      shares.map((share) => share / total),
      n * classes,
    );
  }
  return labels;
}

/**
 * Soft labels `[rows, classes]` by majority: each signal has one vote; classes with most votes share the row by the
 * prior. A row where all abstain gets the prior.
 */
export function majorityLabels(table: VoteTable, prior: readonly number[]): Float32Array {
  return labelsOf(table, prior, true);
}

/** Soft labels `[rows, classes]` as the mean of the votes; a row where all abstain gets the prior. */
export function averageLabels(table: VoteTable, prior: readonly number[]): Float32Array {
  return labelsOf(table, prior, false);
}
