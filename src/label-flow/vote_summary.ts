import { argumentError, requireNumber } from '../core/checks.js';
import { classesOf, readVotes, requireLabels, type Votes, type VoteTable, votedClass } from './votes.js';

/** What one signal does, as shares of all rows. */
export interface SignalSummary {
  /** Rows where it votes. */
  coverage: number;
  /** Rows where it and another signal vote. */
  overlap: number;
  /** Rows where it and another signal vote for different classes. */
  conflict: number;
  /** Share of right votes among its votes; without labels, or votes on labelled rows, NaN. */
  accuracy: number;
}

/**
 * How often each signal votes, meets others, and contradicts them; with labels, how often it is right.
 *
 * Votes `[N][L]` as {@link Votes}; labels `[N]`, -1 where unknown. Plain numbers, no tensors.
 *
 * @throws If votes or labels are out of range or do not fit each other.
 *
 * @example
 * ```ts
 * import { voteSummary } from 'tfjs-llf';
 *
 * const [first] = voteSummary([[0, 1], [1, -1], [-1, 1]], [0, 1, 1]);
 * console.log(first); // coverage 2/3, overlap 1/3, conflict 1/3, accuracy 1
 * ```
 */
export function voteSummary(votes: Votes, labels?: readonly number[]): SignalSummary[] {
  const owner = 'voteSummary';
  const table = readVotes(owner, votes, classesOf(votes, labels));
  const { rows, signals, classes, voted } = table;
  if (labels) requireLabels(owner, labels, rows, classes, true);
  return Array.from({ length: signals }, (_, l) => {
    let [votesCast, overlap, conflict, labelled, right] = [0, 0, 0, 0, 0];
    for (let n = 0; n < rows; n++) {
      if (!voted[n * signals + l]) continue;
      const own = votedClass(table, n * signals + l);
      const others = otherVotes(table, n, l);
      votesCast++;
      if (others.length > 0) overlap++;
      if (others.some((other) => other !== own)) conflict++;
      const label = labels?.[n] ?? -1;
      if (label >= 0) labelled++;
      if (label === own) right++;
    }
    return {
      coverage: votesCast / rows,
      overlap: overlap / rows,
      conflict: conflict / rows,
      accuracy: right / labelled,
    };
  });
}

function otherVotes(table: VoteTable, n: number, l: number): number[] {
  const { signals, voted } = table;
  const others: number[] = [];
  for (let k = 0; k < signals; k++) {
    if (k !== l && voted[n * signals + k]) others.push(votedClass(table, n * signals + k));
  }
  return others;
}

/**
 * Expected errors of signals against soft labels `[rows, classes]`, over the rows where `known`: `[L][C]`, or `unknown` for a
 * signal that does not vote there.
 */
export function expectedErrors(
  table: VoteTable,
  labels: ArrayLike<number>,
  unknown: number,
  known: (row: number) => boolean = () => true,
): number[][] {
  const { rows, signals, classes, probabilities, voted } = table;
  return Array.from({ length: signals }, (_, l) =>
    Array.from({ length: classes }, (_, c) => {
      let [total, count] = [0, 0];
      for (let n = 0; n < rows; n++) {
        if (!voted[n * signals + l] || !known(n)) continue;
        const share = probabilities[(n * signals + l) * classes + c] as number;
        const label = labels[n * classes + c] as number;
        total += share + label * (1 - 2 * share);
        count++;
      }
      return count > 0 ? total / count : unknown;
    }),
  );
}

/**
 * Error rates of signals against true labels, `[L][C]`: the bounds that {@link labelFlowLoss} and {@link labelFlow} take.
 *
 * Votes `[N][L]` as {@link Votes}; labels `[N]`, -1 where unknown, so that a small labelled part of the rows will do. A
 * signal that never votes on a labelled row gets 1, which binds nothing. `margin` is added, up to 1, for few labels.
 *
 * @throws If votes or labels are out of range or do not fit each other.
 *
 * @example
 * ```ts
 * import { errorBounds } from 'tfjs-llf';
 *
 * const bounds = errorBounds([[0], [1], [1], [0]], [0, 1, 0, -1]); // wrong on one of three
 * if (bounds[0]?.[0] !== 1 / 3) throw new Error('one third');
 * ```
 */
export function errorBounds(votes: Votes, labels: readonly number[], margin = 0): number[][] {
  const owner = 'errorBounds';
  requireNumber(owner, 'margin', margin, 0, 1);
  const classes = classesOf(votes, labels);
  const table = readVotes(owner, votes, classes);
  requireLabels(owner, labels, table.rows, classes, true);
  if (!labels.some((label) => label >= 0)) throw argumentError(owner, 'labels', 'known for at least one row', labels);
  const truth = new Float32Array(table.rows * classes);
  labels.forEach((label, n) => {
    if (label >= 0) truth[n * classes + label] = 1;
  });
  const errors = expectedErrors(table, truth, 1, (n) => (labels[n] as number) >= 0);
  return errors.map((row) => row.map((error) => Math.min(1, error + margin)));
}
