import { argumentError, requireInteger } from '../core/checks.js';

/** Rows and columns. */
export type Grid = readonly [rows: number, columns: number];

/** Two whole numbers of at least 1, as a list of its own. */
export function requireGrid(owner: string, argument: string, value: readonly number[]): Grid {
  if (!Array.isArray(value) || value.length !== 2) throw argumentError(owner, argument, '[rows, columns]', value);
  return [requireInteger(owner, `${argument}[0]`, value[0], 1), requireInteger(owner, `${argument}[1]`, value[1], 1)];
}
