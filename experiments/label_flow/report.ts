import { quantile } from '../../bench/harness.js';

/** Median and range. */
export function cell(values: readonly number[], digits = 3): string {
  const range = `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
  return `${quantile(values, 0.5).toFixed(digits)} (${range})`;
}

/** The median, for the line of JSON. */
export function rounded(values: readonly number[]): number {
  return Number(quantile(values, 0.5).toFixed(4));
}

/** What has passed since this module was loaded. */
export function minutes(): string {
  return `${(performance.now() / 60_000).toFixed(1)} min`;
}
