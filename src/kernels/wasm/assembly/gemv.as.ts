import { at, fma } from './vector.as';

/**
 * y = start + M · v for a matrix of `rows` rows, `rowStep` floats apart, and `k` columns, `kStep` apart; `start` is 0 for
 * nothing. `scratch` holds k floats.
 */
export function gemv(
  matrix: usize,
  rowStep: i32,
  kStep: i32,
  vector: usize,
  vStep: i32,
  y: usize,
  yStep: i32,
  rows: i32,
  k: i32,
  start: usize,
  startStep: i32,
  scratch: usize,
): void {
  if (vStep != 1) {
    for (let p = 0; p < k; p++) store<f32>(at(scratch, p), load<f32>(at(vector, p * vStep)));
    vector = scratch;
  }
  if (kStep != 1 && rowStep == 1 && yStep == 1) {
    for (let i = 0; i < rows; i++) store<f32>(at(y, i), start == 0 ? 0 : load<f32>(at(start, i * startStep)));
    addColumns(matrix, kStep, vector, y, rows, k);
    return;
  }
  for (let i = 0; i < rows; i++) {
    const row = at(matrix, i * rowStep);
    let sum = kStep == 1 ? dot(row, vector, k) : stridedDot(row, kStep, vector, k);
    if (start != 0) sum += load<f32>(at(start, i * startStep));
    store<f32>(at(y, i * yStep), sum);
  }
}

function dot(x: usize, y: usize, k: i32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let p = 0;
  for (; p + 16 <= k; p += 16) {
    a = fma(v128.load(x), v128.load(y), a);
    b = fma(v128.load(x, 16), v128.load(y, 16), b);
    c = fma(v128.load(x, 32), v128.load(y, 32), c);
    d = fma(v128.load(x, 48), v128.load(y, 48), d);
    x += 64;
    y += 64;
  }
  for (; p + 4 <= k; p += 4) {
    a = fma(v128.load(x), v128.load(y), a);
    x += 16;
    y += 16;
  }
  const s = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  let sum =
    f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1) + (f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3));
  for (; p < k; p++) {
    sum += load<f32>(x) * load<f32>(y);
    x += 4;
    y += 4;
  }
  return sum;
}

function stridedDot(x: usize, step: i32, y: usize, k: i32): f32 {
  let sum: f32 = 0;
  for (let p = 0; p < k; p++) {
    sum += load<f32>(x) * load<f32>(y);
    x = at(x, step);
    y += 4;
  }
  return sum;
}

/** y += M · v for a matrix whose columns are contiguous, `step` floats apart: sums of 256 products in registers. */
function addColumns(matrix: usize, step: i32, vector: usize, y: usize, rows: i32, k: i32): void {
  for (let p = 0; p < k; p += 256) {
    const count = min(256, k - p);
    const columns = at(matrix, p * step);
    const factors = at(vector, p);
    let i = 0;
    for (; i + 32 <= rows; i += 32) addWide(at(columns, i), step, factors, at(y, i), count);
    for (; i + 4 <= rows; i += 4) addFour(at(columns, i), step, factors, at(y, i), count);
    for (; i < rows; i++) {
      const target = at(y, i);
      store<f32>(target, load<f32>(target) + stridedDot(at(columns, i), step, factors, count));
    }
  }
}

/** y[32] += the columns times their factors. */
function addWide(column: usize, step: i32, factor: usize, y: usize, k: i32): void {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let e = a;
  let f = a;
  let g = a;
  let h = a;
  for (let p = 0; p < k; p++) {
    const s = v128.load32_splat(factor);
    a = fma(v128.load(column), s, a);
    b = fma(v128.load(column, 16), s, b);
    c = fma(v128.load(column, 32), s, c);
    d = fma(v128.load(column, 48), s, d);
    e = fma(v128.load(column, 64), s, e);
    f = fma(v128.load(column, 80), s, f);
    g = fma(v128.load(column, 96), s, g);
    h = fma(v128.load(column, 112), s, h);
    column = at(column, step);
    factor += 4;
  }
  v128.store(y, f32x4.add(v128.load(y), a));
  v128.store(y, f32x4.add(v128.load(y, 16), b), 16);
  v128.store(y, f32x4.add(v128.load(y, 32), c), 32);
  v128.store(y, f32x4.add(v128.load(y, 48), d), 48);
  v128.store(y, f32x4.add(v128.load(y, 64), e), 64);
  v128.store(y, f32x4.add(v128.load(y, 80), f), 80);
  v128.store(y, f32x4.add(v128.load(y, 96), g), 96);
  v128.store(y, f32x4.add(v128.load(y, 112), h), 112);
}

/** y[4] += the columns times their factors. */
function addFour(column: usize, step: i32, factor: usize, y: usize, k: i32): void {
  let a = f32x4.splat(0);
  for (let p = 0; p < k; p++) {
    a = fma(v128.load(column), v128.load32_splat(factor), a);
    column = at(column, step);
    factor += 4;
  }
  v128.store(y, f32x4.add(v128.load(y), a));
}
