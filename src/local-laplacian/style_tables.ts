/** Histogram matching of Aubry et al. in plain numbers: how one distribution becomes another. */
import { between } from './between.js';

const BINS = 256;
/** Bins of the distribution that is matched. */
const FINE = 65_536;

/** The share of the values in `[0, 1]` up to each of `bins` bins, whose centres are evenly spaced from 0 to 1. */
function cumulative(values: ArrayLike<number>, bins: number): Float64Array {
  const counts = new Float64Array(bins);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.min(Math.max(Math.floor((values[i] as number) * (bins - 1) + 0.5), 0), bins - 1);
    counts[bin] = (counts[bin] as number) + 1;
  }
  let sum = 0;
  return counts.map((count) => {
    sum += count;
    return sum / values.length;
  });
}

/** The increasing function, at 256 places from 0 to 1, that gives the values of `source` the distribution of `target`. */
export function matchingTable(source: ArrayLike<number>, target: ArrayLike<number>): Float64Array {
  const shares = cumulative(target, FINE);
  let place = 0;
  // Both rise, so that one walk serves all.
  return cumulative(source, BINS).map((share) => {
    while (place < FINE - 1 && (shares[place] as number) < share - 1e-12) place++;
    return (place + 1) / FINE;
  });
}

/** What follows the last entry of a table, and what a step between two entries is divided by once more. */
export interface TableReading {
  readonly after: 'one' | 'last';
  readonly flatness: number;
}

/** As in the paper; and as in the released code, which in effect takes the entry below. */
export const READINGS: Readonly<Record<'clean' | 'official', TableReading>> = {
  clean: { after: 'last', flatness: 1 },
  official: { after: 'one', flatness: BINS - 1 },
};

/** The table with the entry after its last. */
export function extended(table: Float64Array, { after }: TableReading): Float64Array {
  return Float64Array.of(...table, after === 'one' ? 1 : (table[BINS - 1] as number));
}

/** The function at values in `[0, 1]`. */
export function applyTable(table: Float64Array, reading: TableReading, values: Float64Array): Float64Array {
  const entries = extended(table, reading);
  return values.map((value) => between(entries, value * (BINS - 1), reading.flatness));
}

/** Lengths of the gradient of an image, by differences to the next pixel: (height − 1) x (width − 1) of them. */
export function gradientLengths(values: ArrayLike<number>, width: number): number[] {
  const lengths: number[] = [];
  for (let i = 0; i + width < values.length; i++) {
    if ((i + 1) % width === 0) continue;
    const here = values[i] as number;
    lengths.push(Math.hypot((values[i + 1] as number) - here, (values[i + width] as number) - here));
  }
  return lengths;
}

/** Stretches the values to `[0, 1]`; equal ones become 0. */
export function rescaled(values: Float64Array): Float64Array {
  const low = values.reduce((least, value) => Math.min(least, value));
  const high = values.reduce((most, value) => Math.max(most, value));
  return values.map((value) => (high > low ? (value - low) / (high - low) : 0));
}
