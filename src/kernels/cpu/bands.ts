import { BINOMIAL, BURT, type Pyramid, reflected } from '../../local-laplacian/pyramid_operators.js';
import type { Size } from '../../local-laplacian/size.js';

/**
 * The taps of a banded matrix, one row of them for each target sample. A map that shrinks an axis has five, of the source
 * samples from `2 r - 2` on, one that spreads it three, from `floor(x / 2) - 1` on; beyond the ends they are 0.
 */
type Taps = Float64Array;

const SHRINKING = 5;
const SPREADING = 3;

/** A weight of the source sample at a place. */
type Entry = readonly [place: number, weight: number];

/** The two matrices of a map between two levels. */
export interface LevelMap {
  readonly rows: Taps;
  readonly columns: Taps;
}

/** The maps between a level and the next. */
export interface LevelMaps {
  readonly down: LevelMap;
  readonly up: LevelMap;
  readonly downAdjoint: LevelMap;
  readonly upAdjoint: LevelMap;
}

function half(length: number): number {
  return (length + 1) >> 1;
}

function firstOf(width: number, target: number): number {
  return width === SHRINKING ? 2 * target - 2 : (target >> 1) - 1;
}

function band(width: number, targets: number, entriesOf: (target: number) => readonly Entry[]): Taps {
  const taps = new Float64Array(width * targets);
  for (let target = 0; target < targets; target++) {
    for (const [place, weight] of entriesOf(target)) {
      const index = width * target + place - firstOf(width, target);
      taps[index] = (taps[index] as number) + weight;
    }
  }
  return taps;
}

/** The entries at places inside of the axis, scaled to the sum 1. */
function normalized(entries: readonly Entry[], length: number): Entry[] {
  const inside = entries.filter(([place]) => place >= 0 && place < length);
  const sum = inside.reduce((total, [, weight]) => total + weight, 0);
  return inside.map(([place, weight]) => [place, weight / sum]);
}

function downOf(pyramid: Pyramid, length: number): Taps {
  return band(SHRINKING, half(length), (r) => {
    const at = (i: number): number => 2 * r + i - 2;
    if (pyramid === 'opencv') return BINOMIAL.map((tap, i) => [reflected(at(i), length), tap]);
    return normalized(
      BURT.map((tap, i) => [at(i), tap]),
      length,
    );
  });
}

function upOf(pyramid: Pyramid, length: number): Taps {
  const last = half(length) - 1;
  return band(SPREADING, length, (x) => {
    const here = x >> 1;
    if (pyramid === 'paris') {
      const near = [here - 1, here, here + 1];
      return normalized(
        near.map((k) => [k, BURT[2 * (k - here) - (x & 1) + 2] ?? 0]),
        last + 1,
      );
    }
    const next = Math.min(here + 1, last);
    if (x & 1) return [here, next].map((k) => [k, 0.5]);
    const side = pyramid === 'opencv' ? 0.125 : 0;
    return [
      [here, 1 - 2 * side],
      [here > 0 ? here - 1 : Math.min(1, last), side],
      [next, side],
    ];
  });
}

function transposed(taps: Taps, width: number, sources: number): Taps {
  const other = SHRINKING + SPREADING - width;
  const entries = Array.from({ length: sources }, (): Entry[] => []);
  for (const [j, tap] of taps.entries()) {
    const target = Math.floor(j / width);
    if (tap !== 0) entries[firstOf(width, target) + (j % width)]?.push([target, tap]);
  }
  return band(other, sources, (source) => entries[source] as Entry[]);
}

/** The maps between a level of this size and the next. */
export function levelMaps(pyramid: Pyramid, [height, width]: Size): LevelMaps {
  const both = (of: (length: number) => Taps): LevelMap => ({ rows: of(height), columns: of(width) });
  return {
    down: both((n) => downOf(pyramid, n)),
    up: both((n) => upOf(pyramid, n)),
    downAdjoint: both((n) => transposed(downOf(pyramid, n), SHRINKING, n)),
    upAdjoint: both((n) => transposed(upOf(pyramid, n), SPREADING, half(n))),
  };
}

/** Takes a level of this size to the next: `down` or `upAdjoint`. */
export function shrink(
  { rows, columns }: LevelMap,
  [height, width]: Size,
  source: Float32Array,
  target: Float32Array,
): void {
  const coarse = half(width);
  const row = new Float64Array(width + 4);
  for (let r = 0; r < half(height); r++) {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = rows.subarray(SHRINKING * r, SHRINKING * (r + 1));
    const at = (i: number): number => width * Math.min(Math.max(2 * r + i - 2, 0), height - 1);
    const [p, q, s, t, u] = [at(0), at(1), at(2), at(3), at(4)];
    for (let x = 0; x < width; x++) {
      row[x + 2] =
        a * (source[p + x] as number) +
        b * (source[q + x] as number) +
        c * (source[s + x] as number) +
        d * (source[t + x] as number) +
        e * (source[u + x] as number);
    }
    for (let x = 0; x < coarse; x++) {
      const [j, k] = [2 * x, SHRINKING * x];
      target[coarse * r + x] =
        (columns[k] as number) * (row[j] as number) +
        (columns[k + 1] as number) * (row[j + 1] as number) +
        (columns[k + 2] as number) * (row[j + 2] as number) +
        (columns[k + 3] as number) * (row[j + 3] as number) +
        (columns[k + 4] as number) * (row[j + 4] as number);
    }
  }
}

/** Takes the next level to a level of this size: `up` or `downAdjoint`. */
export function spread(
  { rows, columns }: LevelMap,
  [height, width]: Size,
  source: Float32Array,
  target: Float32Array,
): void {
  const coarse = half(width);
  const row = new Float64Array(coarse + 2);
  for (let y = 0; y < height; y++) {
    const [a = 0, b = 0, c = 0] = rows.subarray(SPREADING * y, SPREADING * (y + 1));
    const at = (i: number): number => coarse * Math.min(Math.max((y >> 1) + i - 1, 0), half(height) - 1);
    const [p, q, s] = [at(0), at(1), at(2)];
    for (let x = 0; x < coarse; x++) {
      row[x + 1] = a * (source[p + x] as number) + b * (source[q + x] as number) + c * (source[s + x] as number);
    }
    for (let x = 0; x < width; x++) {
      const [j, k] = [x >> 1, SPREADING * x];
      target[width * y + x] =
        (columns[k] as number) * (row[j] as number) +
        (columns[k + 1] as number) * (row[j + 1] as number) +
        (columns[k + 2] as number) * (row[j + 2] as number);
    }
  }
}
