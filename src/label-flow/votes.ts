import { argumentError, requireInteger } from '../core/checks.js';

/**
 * Votes of L signals on N rows, `[N][L]`: a class 0 .. C-1, or -1 where the signal abstains; or, as soft votes, `[N][L][C]`
 * probabilities in [0, 1], with -1 first where it abstains.
 */
export type Votes = readonly (readonly (number | readonly number[])[])[];

/** Votes as probabilities. */
export interface VoteTable {
  readonly rows: number;
  readonly signals: number;
  readonly classes: number;
  /** `[rows, signals, classes]`, 0 where the signal abstains. */
  readonly probabilities: Float32Array;
  /** `[rows, signals]`: 1 where the signal votes. */
  readonly voted: Uint8Array;
}

/** Classes that votes and labels speak of: the length of a soft vote, or the highest class and one. */
export function classesOf(votes: Votes, labels: readonly number[] = []): number {
  let classes = 1;
  for (const row of votes) {
    for (const vote of row) classes = Math.max(classes, isSoft(vote) ? vote.length : vote + 1);
  }
  for (const label of labels) classes = Math.max(classes, label + 1);
  return classes;
}

function isSoft(vote: number | readonly number[]): vote is readonly number[] {
  return typeof vote !== 'number';
}

/** Checks votes and writes them as probabilities. */
export function readVotes(owner: string, votes: Votes, classes: number, rows: number = votes.length): VoteTable {
  if (votes.length === 0 || votes.length !== rows) {
    throw argumentError(owner, 'votes', rows === 0 ? 'of at least one row' : `of ${rows} rows`, votes.length);
  }
  const signals = (votes[0] as readonly unknown[]).length;
  if (signals === 0) throw argumentError(owner, 'votes', 'of at least one signal', []);
  const table: VoteTable = {
    rows,
    signals,
    classes,
    probabilities: new Float32Array(rows * signals * classes),
    voted: new Uint8Array(rows * signals),
  };
  votes.forEach((row, n) => {
    if (row.length !== signals) throw argumentError(owner, `votes[${n}]`, `of ${signals} signals`, row.length);
    row.forEach((vote, l) => {
      readVote(owner, `votes[${n}][${l}]`, vote, table, n * signals + l);
    });
  });
  if (!table.voted.includes(1))
    throw new Error(`${owner}: votes must be cast at least once, received only abstentions.`);
  return table;
}

function readVote(
  owner: string,
  name: string,
  vote: number | readonly number[],
  table: VoteTable,
  place: number,
): void {
  const { classes, probabilities, voted } = table;
  if (!isSoft(vote)) {
    requireInteger(owner, name, vote, -1, classes - 1);
    if (vote < 0) return;
    probabilities[place * classes + vote] = 1;
  } else if (vote[0] === -1) return;
  else if (vote.length === classes && vote.every((share) => share >= 0 && share <= 1)) {
    probabilities.set(vote, place * classes);
  } else throw argumentError(owner, name, `${classes} numbers in [0, 1]`, vote);
  voted[place] = 1;
}

/** The class that a vote is for, the first of several. */
export function votedClass({ classes, probabilities }: VoteTable, place: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) {
    if ((probabilities[place * classes + c] as number) > (probabilities[place * classes + best] as number)) best = c;
  }
  return best;
}

/** Checks class labels; -1, where the label is not known, only if `open`. */
export function requireLabels(
  owner: string,
  labels: readonly number[],
  rows: number,
  classes: number,
  open = false,
): void {
  if (labels.length !== rows) throw argumentError(owner, 'labels', `of ${rows} rows`, labels.length);
  labels.forEach((label, n) => {
    requireInteger(owner, `labels[${n}]`, label, open ? -1 : 0, classes - 1);
  });
}
