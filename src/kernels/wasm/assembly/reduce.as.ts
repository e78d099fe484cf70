import { at, sumLanes } from './vector.as';

/** Long sums are taken over blocks of this many terms per lane: the rounding error grows with the block, not the sum. */
const BLOCK = 256;

/** Sums an array `[outer, reduced, inner]` over its middle axis, and divides by `divisor`. */
export function blockSums(x: usize, out: usize, outer: i32, reduced: i32, inner: i32, divisor: f32): void {
  if (inner === 1) {
    rowSums(x, out, outer, reduced, divisor);
    return;
  }
  for (let i = 0; i < outer; i++) {
    columnSums(x, out, reduced, inner, divisor);
    x = at(x, reduced * inner);
    out = at(out, inner);
  }
}

/** out[i] = Σ x[i, j] / divisor: sums each row of a matrix `[rows, columns]`. */
function rowSums(x: usize, out: usize, rows: i32, columns: i32, divisor: f32): void {
  for (let i = 0; i < rows; i++) {
    store<f32>(out, rowSum(x, columns) / divisor);
    x = at(x, columns);
    out = at(out, 1);
  }
}

function rowSum(x: usize, columns: i32): f32 {
  let total: f32 = 0;
  let j = 0;
  while (j + 16 <= columns) {
    const end = min(columns - 15, j + 16 * BLOCK);
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (; j < end; j += 16) {
      a = f32x4.add(a, v128.load(x));
      b = f32x4.add(b, v128.load(x, 16));
      c = f32x4.add(c, v128.load(x, 32));
      d = f32x4.add(d, v128.load(x, 48));
      x += 64;
    }
    total += sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  }
  for (; j + 4 <= columns; j += 4) {
    total += sumLanes(v128.load(x));
    x += 16;
  }
  for (; j < columns; j++) {
    total += load<f32>(x);
    x += 4;
  }
  return total;
}

/** out[j] = Σ x[i, j] / divisor: sums a matrix `[rows, columns]` over its rows, 16 columns at a time. */
export function columnSums(x: usize, out: usize, rows: i32, columns: i32, divisor: f32): void {
  const divisors = f32x4.splat(divisor);
  let j = 0;
  for (; j + 16 <= columns; j += 16) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let row = at(x, j);
    for (let i = 0; i < rows; ) {
      const end = min(rows, i + BLOCK);
      let e = f32x4.splat(0);
      let f = e;
      let g = e;
      let h = e;
      for (; i < end; i++) {
        e = f32x4.add(e, v128.load(row));
        f = f32x4.add(f, v128.load(row, 16));
        g = f32x4.add(g, v128.load(row, 32));
        h = f32x4.add(h, v128.load(row, 48));
        row = at(row, columns);
      }
      a = f32x4.add(a, e);
      b = f32x4.add(b, f);
      c = f32x4.add(c, g);
      d = f32x4.add(d, h);
    }
    const target = at(out, j);
    v128.store(target, f32x4.div(a, divisors));
    v128.store(target, f32x4.div(b, divisors), 16);
    v128.store(target, f32x4.div(c, divisors), 32);
    v128.store(target, f32x4.div(d, divisors), 48);
  }
  for (; j + 4 <= columns; j += 4) {
    let total = f32x4.splat(0);
    let row = at(x, j);
    for (let i = 0; i < rows; ) {
      const end = min(rows, i + BLOCK);
      let part = f32x4.splat(0);
      for (; i < end; i++) {
        part = f32x4.add(part, v128.load(row));
        row = at(row, columns);
      }
      total = f32x4.add(total, part);
    }
    v128.store(at(out, j), f32x4.div(total, divisors));
  }
  for (; j < columns; j++) {
    let total: f32 = 0;
    let place = at(x, j);
    for (let i = 0; i < rows; ) {
      const end = min(rows, i + BLOCK);
      let part: f32 = 0;
      for (; i < end; i++) {
        part += load<f32>(place);
        place = at(place, columns);
      }
      total += part;
    }
    store<f32>(at(out, j), total / divisor);
  }
}
