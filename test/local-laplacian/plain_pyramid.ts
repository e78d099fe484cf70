import type { Pyramid } from '../../src/local-laplacian/pyramid_operators.js';

/** A row of a banded matrix: the entries from `start` on. */
export interface Row {
  readonly start: number;
  readonly entries: Float64Array;
}

/** A matrix for each axis of an image. */
export interface Bands {
  readonly rows: readonly Row[];
  readonly columns: readonly Row[];
}

/** Plain numbers in rows. */
export interface PlainImage {
  readonly height: number;
  readonly width: number;
  readonly values: Float64Array;
}

/** A row from places and what each adds there; places may repeat. */
function rowOf(terms: readonly (readonly [place: number, weight: number])[]): Row {
  const places = terms.map(([place]) => place);
  const start = Math.min(...places);
  const entries = new Float64Array(Math.max(...places) - start + 1);
  for (const [place, weight] of terms) entries[place - start] = (entries[place - start] as number) + weight;
  return { start, entries };
}

const BURT = [0.05, 0.25, 0.4, 0.25, 0.05];
const BINOMIAL = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16];

/** Burt's taps around a place, those beyond the border or off the step dropped, the rest scaled to the sum 1. */
function scaledTaps(place: number, length: number, step: number): Row {
  const terms = BURT.map((tap, i) => [place + i - 2, tap] as const).filter(
    ([at]) => at >= 0 && at < length && at % step === 0,
  );
  const sum = terms.reduce((total, [, tap]) => total + tap, 0);
  return rowOf(terms.map(([at, tap]) => [at / step, tap / sum]));
}

function mirrored(index: number, length: number): number {
  if (length === 1) return 0;
  const place = Math.abs(index) % (2 * (length - 1));
  return place < length ? place : 2 * (length - 1) - place;
}

/** The matrix that halves an axis of this length. */
export function downMatrix(pyramid: Pyramid, length: number): Row[] {
  return Array.from({ length: (length + 1) >> 1 }, (_, k) =>
    pyramid === 'opencv'
      ? rowOf(BINOMIAL.map((tap, i) => [mirrored(2 * k + i - 2, length), tap]))
      : scaledTaps(2 * k, length, 1),
  );
}

/** The matrix that doubles an axis to this length. */
export function upMatrix(pyramid: Pyramid, length: number): Row[] {
  const coarse = (length + 1) >> 1;
  const at = (k: number): number => (k < 0 ? mirrored(k, coarse) : Math.min(k, coarse - 1));
  return Array.from({ length }, (_, x) => {
    const k = x >> 1;
    if (pyramid === 'paris') return scaledTaps(x, length, 2);
    if (x % 2 === 1)
      return rowOf([
        [k, 0.5],
        [at(k + 1), 0.5],
      ]);
    if (pyramid === 'lin') return rowOf([[k, 1]]);
    return rowOf([
      [at(k - 1), 1 / 8],
      [k, 6 / 8],
      [at(k + 1), 1 / 8],
    ]);
  });
}

/** The product of two matrices. */
export function compose(outer: readonly Row[], inner: readonly Row[]): Row[] {
  return outer.map(({ start, entries }) => {
    const parts = Array.from(entries, (weight, i) => ({ weight, row: inner[start + i] as Row }));
    const first = Math.min(...parts.map(({ row }) => row.start));
    const end = Math.max(...parts.map(({ row }) => row.start + row.entries.length));
    const sum = new Float64Array(end - first);
    for (const { weight, row } of parts) {
      row.entries.forEach((entry, i) => {
        sum[row.start - first + i] = (sum[row.start - first + i] as number) + weight * entry;
      });
    }
    return { start: first, entries: sum };
  });
}

/** The matrix that leaves an axis as it is. */
export function identityMatrix(length: number): Row[] {
  return Array.from({ length }, (_, i) => ({ start: i, entries: Float64Array.of(1) }));
}

/** Applies a matrix along each axis. */
export function applyBands({ rows, columns }: Bands, { width, values }: PlainImage): PlainImage {
  const height = rows.length;
  const result = new Float64Array(height * columns.length);
  const line = new Float64Array(width);
  rows.forEach((row, y) => {
    line.fill(0);
    row.entries.forEach((weight, i) => {
      const from = (row.start + i) * width;
      for (let x = 0; x < width; x++) line[x] = (line[x] as number) + weight * (values[from + x] as number);
    });
    columns.forEach((column, x) => {
      result[y * columns.length + x] = column.entries.reduce(
        (sum, weight, j) => sum + weight * (line[column.start + j] as number),
        0,
      );
    });
  });
  return { height, width: columns.length, values: result };
}
