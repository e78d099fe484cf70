import { argumentError, requireNumber, requireShape } from '../core/checks.js';
import { expectedErrors } from './vote_summary.js';
import type { VoteTable } from './votes.js';

/** Highest error rates in [0, 1]: one for all signals, one for each `[L]`, or one for each signal and class `[L][C]`. */
export type Bounds = number | readonly number[] | readonly (readonly number[])[];

/** Bounds of each signal and class; by default the errors against the given soft labels `[rows, classes]`. */
export function boundsTable(
  owner: string,
  table: VoteTable,
  bounds: Bounds | undefined,
  labels: Float32Array,
): number[][] {
  const { signals, classes } = table;
  if (bounds === undefined) {
    // A signal that never votes has no error, and binds nothing.
    return expectedErrors(table, labels, 1);
  }
  const perSignal = typeof bounds === 'number' ? Array.from({ length: signals }, () => bounds) : bounds;
  requireShape(owner, 'bounds', [perSignal.length], [signals]);
  return perSignal.map((bound, l) => {
    const row = typeof bound === 'number' ? Array.from({ length: classes }, () => bound) : [...bound];
    if (row.length !== classes) throw argumentError(owner, `bounds[${l}]`, `${classes} numbers in [0, 1]`, bound);
    return row.map((one) => requireNumber(owner, `bounds[${l}]`, one, 0, 1));
  });
}
