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

/** y += M · v for a matrix whose columns are contiguous, `step` floats apart: four columns at a time. */
function addColumns(matrix: usize, step: i32, vector: usize, y: usize, rows: i32, k: i32): void {
  let p = 0;
  for (; p + 4 <= k; p += 4) {
    let c0 = at(matrix, p * step);
    let c1 = at(c0, step);
    let c2 = at(c1, step);
    let c3 = at(c2, step);
    const v = at(vector, p);
    const v0 = v128.load32_splat(v);
    const v1 = v128.load32_splat(v, 4);
    const v2 = v128.load32_splat(v, 8);
    const v3 = v128.load32_splat(v, 12);
    let target = y;
    let i = 0;
    for (; i + 4 <= rows; i += 4) {
      const even = fma(v128.load(c2), v2, f32x4.mul(v128.load(c0), v0));
      const odd = fma(v128.load(c3), v3, f32x4.mul(v128.load(c1), v1));
      v128.store(target, f32x4.add(v128.load(target), f32x4.add(even, odd)));
      c0 += 16;
      c1 += 16;
      c2 += 16;
      c3 += 16;
      target += 16;
    }
    for (; i < rows; i++) {
      const even = load<f32>(c0) * load<f32>(v) + load<f32>(c2) * load<f32>(v, 8);
      const odd = load<f32>(c1) * load<f32>(v, 4) + load<f32>(c3) * load<f32>(v, 12);
      store<f32>(target, load<f32>(target) + (even + odd));
      c0 += 4;
      c1 += 4;
      c2 += 4;
      c3 += 4;
      target += 4;
    }
  }
  for (; p < k; p++) {
    const column = at(matrix, p * step);
    const factor = load<f32>(at(vector, p));
    for (let i = 0; i < rows; i++) {
      const target = at(y, i);
      store<f32>(target, load<f32>(target) + load<f32>(at(column, i)) * factor);
    }
  }
}
