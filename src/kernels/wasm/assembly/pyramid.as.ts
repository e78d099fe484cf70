import { at, fma } from './vector.as';

/**
 * Halving and doubling of image levels, and their adjoints. All four are banded matrices along each axis: `down` takes a
 * level to the next, `up` back. A row that shrinks is five taps wide, one that spreads three; away from the border the
 * taps are always the same, at the border they are looked up in the matrix.
 */

/** The conventions, as numbers. */
@inline const OPENCV: i32 = 1;
@inline const LIN: i32 = 2;

/** The four maps along an axis. */
@inline export const DOWN: i32 = 0;
@inline export const UP: i32 = 1;
@inline export const DOWN_ADJOINT: i32 = 2;
@inline export const UP_ADJOINT: i32 = 3;

/** Columns at the borders that are looked up: at most so many on each side. */
@inline const EDGE: i32 = 4;
/** Floats of a table of border columns: their number, and for each its place and five weights. */
@inline const BORDER_FLOATS: i32 = 64;

@inline
function half(n: i32): i32 {
  return (n + 1) >> 1;
}

function burt(i: i32): f32 {
  return i == 2 ? 0.4 : i == 1 || i == 3 ? 0.25 : 0.05;
}

function binomial(i: i32): f32 {
  return i == 2 ? 0.375 : i == 1 || i == 3 ? 0.25 : 0.0625;
}

/** The place that stands at index i, at most two beyond the ends of n samples, when they are reflected. */
function reflected(i: i32, n: i32): i32 {
  if (n == 1) return 0;
  if (i < 0) i = -i;
  const period = 2 * (n - 1);
  i %= period;
  return i < n ? i : period - i;
}

/** Entry of the matrix that halves n samples: coarse sample r, fine sample x. */
function downEntry(kind: i32, n: i32, r: i32, x: i32): f32 {
  let sum: f32 = 0;
  if (kind == OPENCV) {
    for (let i = 0; i < 5; i++) if (reflected(2 * r + i - 2, n) == x) sum += binomial(i);
    return sum;
  }
  const tap = x - 2 * r + 2;
  if (tap < 0 || tap > 4) return 0;
  for (let i = 0; i < 5; i++) {
    const place = 2 * r + i - 2;
    if (place >= 0 && place < n) sum += burt(i);
  }
  return burt(tap) / sum;
}

/** Entry of the matrix that doubles to n samples: fine sample x, coarse sample k. */
function upEntry(kind: i32, n: i32, x: i32, k: i32): f32 {
  const last = half(n) - 1;
  const here = x >> 1;
  const next = min<i32>(here + 1, last);
  if (kind != 0 && x & 1) return (k == here ? <f32>0.5 : 0) + (k == next ? <f32>0.5 : 0);
  if (kind == LIN) return k == here ? 1 : 0;
  if (kind == OPENCV) {
    const before = here > 0 ? here - 1 : min<i32>(1, last);
    return (k == here ? <f32>0.75 : 0) + (k == before ? <f32>0.125 : 0) + (k == next ? <f32>0.125 : 0);
  }
  const tap = 2 * k - x + 2;
  if (tap < 0 || tap > 4) return 0;
  let sum: f32 = 0;
  for (let i = 0; i < 5; i++) {
    const place = x + i - 2;
    if (place >= 0 && place < n && (place & 1) == 0) sum += burt(i);
  }
  return burt(tap) / sum;
}

/** Weight of a source sample in a target sample; n is the number of fine samples. */
function entry(map: i32, kind: i32, n: i32, target: i32, source: i32): f32 {
  const coarse = shrinks(map) ? target : source;
  const fine = shrinks(map) ? source : target;
  if (coarse < 0 || fine < 0 || coarse >= half(n) || fine >= n) return 0;
  return map == DOWN || map == DOWN_ADJOINT ? downEntry(kind, n, coarse, fine) : upEntry(kind, n, fine, coarse);
}

/** Whether a map shrinks an axis. */
@inline
function shrinks(map: i32): bool {
  return map == DOWN || map == UP_ADJOINT;
}

/** Outer, next and middle tap of a map that shrinks; of one that spreads, side and middle of even samples, and of odd ones. */
function tapOf(map: i32, kind: i32, i: i32): f32 {
  if (map == DOWN || map == DOWN_ADJOINT) {
    if (kind == OPENCV) return i == 0 ? 0.0625 : i == 1 ? (map == DOWN ? 0.25 : 0.375) : map == DOWN ? 0.375 : 0.25;
    return i == 0 ? 0.05 : i == 1 ? (map == DOWN ? 0.25 : 0.4) : map == DOWN ? 0.4 : 0.25;
  }
  const side: f32 = kind == LIN ? 0 : kind == OPENCV ? 0.125 : 0.1;
  const middle: f32 = <f32>1 - side - side;
  return i == 0 ? side : i == 1 ? (map == UP ? middle : 0.5) : map == UP ? 0.5 : middle;
}

/** Bytes of the border tables of one axis. */
export function borderBytes(): i32 {
  return 4 * BORDER_FLOATS * 4;
}

/** Writes the border columns of the four maps of an axis of n fine samples. */
export function writeBorders(table: usize, kind: i32, n: i32): void {
  for (let map = 0; map < 4; map++) {
    const size = shrinks(map) ? half(n) : n;
    let count = 0;
    let place = at(table, map * BORDER_FLOATS);
    const start = place;
    place += 4;
    for (let target = 0; target < size; target++) {
      if (target >= EDGE && target < size - EDGE) continue;
      store<i32>(place, target);
      for (let i = 0; i < 5; i++) {
        const isTap = shrinks(map) || i < 3;
        store<f32>(at(place, i + 1), isTap ? entry(map, kind, n, target, firstSource(map, target) + i) : 0);
      }
      place += 24;
      count++;
    }
    store<i32>(start, count);
  }
}

/** The first of the source samples that a target sample may depend on. */
@inline
function firstSource(map: i32, target: i32): i32 {
  return shrinks(map) ? 2 * target - 2 : (target >> 1) - 1;
}

/** Overwrites the border samples of a target row. */
function fixBorders(table: usize, map: i32, source: usize, target: usize): void {
  let place = at(table, map * BORDER_FLOATS);
  const count = load<i32>(place);
  place += 4;
  for (let j = 0; j < count; j++) {
    const column = load<i32>(place);
    const first = firstSource(map, column);
    let sum: f32 = 0;
    for (let i = 0; i < 5; i++) {
      const weight = load<f32>(at(place, i + 1));
      if (weight != 0) sum += weight * load<f32>(at(source, first + i));
    }
    store<f32>(at(target, column), sum);
    place += 24;
  }
}

/** Shrinks a row of samples that stand in a buffer with room around them; writes four at a time. */
export function shrinkRow(table: usize, map: i32, kind: i32, source: usize, target: usize, size: i32): void {
  const outer = f32x4.splat(tapOf(map, kind, 0));
  const next = f32x4.splat(tapOf(map, kind, 1));
  const middle = f32x4.splat(tapOf(map, kind, 2));
  let a = v128.load(source - 8);
  let b = v128.load(source + 8);
  let even = v128.shuffle<f32>(a, b, 0, 2, 4, 6);
  let odd = v128.shuffle<f32>(a, b, 1, 3, 5, 7);
  let from = source + 24;
  for (let i = 0; i < size; i += 4) {
    a = v128.load(from);
    b = v128.load(from, 16);
    const evenNext = v128.shuffle<f32>(a, b, 0, 2, 4, 6);
    const oddNext = v128.shuffle<f32>(a, b, 1, 3, 5, 7);
    const centre = v128.shuffle<f32>(even, evenNext, 1, 2, 3, 4);
    const far = f32x4.add(even, v128.shuffle<f32>(even, evenNext, 2, 3, 4, 5));
    const near = f32x4.add(odd, v128.shuffle<f32>(odd, oddNext, 1, 2, 3, 4));
    v128.store(at(target, i), fma(far, outer, fma(near, next, f32x4.mul(centre, middle))));
    even = evenNext;
    odd = oddNext;
    from += 32;
  }
  fixBorders(table, map, source, target);
}

/** Spreads a row from one such buffer to another; writes eight at a time. */
export function spreadRow(table: usize, map: i32, kind: i32, source: usize, target: usize, size: i32): void {
  const side = f32x4.splat(tapOf(map, kind, 0));
  const middle = f32x4.splat(tapOf(map, kind, 1));
  const odd = f32x4.splat(tapOf(map, kind, 2));
  let from = source;
  for (let i = 0; i < size; i += 8) {
    const before = v128.load(from - 4);
    const here = v128.load(from);
    const after = v128.load(from, 4);
    const even = fma(f32x4.add(before, after), side, f32x4.mul(here, middle));
    const between = f32x4.mul(f32x4.add(here, after), odd);
    v128.store(at(target, i), v128.shuffle<f32>(even, between, 0, 4, 1, 5));
    v128.store(at(target, i), v128.shuffle<f32>(even, between, 2, 6, 3, 7), 16);
    from += 16;
  }
  fixBorders(table, map, source, target);
}

/** A row below the rows of a plane or of a ring of rows: `mask` is −1 for a plane, 7 for a ring of eight. */
@inline
function rowAt(base: usize, stride: i32, mask: i32, y: i32, n: i32): usize {
  return at(base, (min<i32>(max<i32>(y, 0), n - 1) & mask) * stride);
}

/** Row r of what shrinks along the vertical axis: the weighted sum of five rows of n, `count` samples. */
export function shrinkColumns(
  map: i32,
  kind: i32,
  base: usize,
  stride: i32,
  mask: i32,
  n: i32,
  r: i32,
  target: usize,
  count: i32,
): void {
  const y = 2 * r - 2;
  const p0 = rowAt(base, stride, mask, y, n);
  const p1 = rowAt(base, stride, mask, y + 1, n);
  const p2 = rowAt(base, stride, mask, y + 2, n);
  const p3 = rowAt(base, stride, mask, y + 3, n);
  const p4 = rowAt(base, stride, mask, y + 4, n);
  const w0 = f32x4.splat(entry(map, kind, n, r, y));
  const w1 = f32x4.splat(entry(map, kind, n, r, y + 1));
  const w2 = f32x4.splat(entry(map, kind, n, r, y + 2));
  const w3 = f32x4.splat(entry(map, kind, n, r, y + 3));
  const w4 = f32x4.splat(entry(map, kind, n, r, y + 4));
  if (count < 4) {
    for (let i = 0; i < count; i++) {
      let sum = f32x4.mul(v128.load32_splat(at(p0, i)), w0);
      sum = fma(v128.load32_splat(at(p1, i)), w1, sum);
      sum = fma(v128.load32_splat(at(p2, i)), w2, sum);
      sum = fma(v128.load32_splat(at(p3, i)), w3, sum);
      v128.store(at(target, i), fma(v128.load32_splat(at(p4, i)), w4, sum));
    }
    return;
  }
  // The last vector is moved back into the row.
  for (let i = 0; i < count; i += 4) {
    const place = min<i32>(i, count - 4);
    let sum = f32x4.mul(v128.load(at(p0, place)), w0);
    sum = fma(v128.load(at(p1, place)), w1, sum);
    sum = fma(v128.load(at(p2, place)), w2, sum);
    sum = fma(v128.load(at(p3, place)), w3, sum);
    v128.store(at(target, place), fma(v128.load(at(p4, place)), w4, sum));
  }
}

/** Row y (of n fine ones) of what spreads along the vertical axis: the weighted sum of three rows of a plane. */
export function spreadColumns(
  map: i32,
  kind: i32,
  base: usize,
  stride: i32,
  n: i32,
  y: i32,
  target: usize,
  count: i32,
): void {
  const rows = half(n);
  const k = y >> 1;
  const p0 = rowAt(base, stride, -1, k - 1, rows);
  const p1 = rowAt(base, stride, -1, k, rows);
  const p2 = rowAt(base, stride, -1, k + 1, rows);
  const w0 = f32x4.splat(entry(map, kind, n, y, k - 1));
  const w1 = f32x4.splat(entry(map, kind, n, y, k));
  const w2 = f32x4.splat(entry(map, kind, n, y, k + 1));
  for (let i = 0; i < count; i += 4) {
    const sum = fma(v128.load(at(p1, i)), w1, f32x4.mul(v128.load(at(p0, i)), w0));
    v128.store(at(target, i), fma(v128.load(at(p2, i)), w2, sum));
  }
}
