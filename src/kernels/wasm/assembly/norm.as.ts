import { loadSome, storeSome } from './tail.as';
import { at, fma, sumLanes } from './vector.as';

/**
 * Layer normalisation of each row of `x [rows, dim]`: y = (x - mean) · inverse · gamma + beta, where inverse is
 * 1 / sqrt(variance + epsilon). Keeps `mean [rows]` and `inverse [rows]` for the gradient.
 */
export function layerNorm(
  x: usize,
  gamma: usize,
  beta: usize,
  y: usize,
  mean: usize,
  inverse: usize,
  rows: i32,
  dim: i32,
  epsilon: f32,
): void {
  for (let i = 0; i < rows; i++) {
    const centre = meanOf(x, dim);
    const scale = <f32>1 / sqrt<f32>(varianceOf(x, dim, centre) + epsilon);
    store<f32>(at(mean, i), centre);
    store<f32>(at(inverse, i), scale);
    normalizeRow(x, gamma, beta, y, dim, centre, scale);
    x = at(x, dim);
    y = at(y, dim);
  }
}

function meanOf(x: usize, dim: i32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let j = 0;
  for (; j + 16 <= dim; j += 16) {
    a = f32x4.add(a, v128.load(x));
    b = f32x4.add(b, v128.load(x, 16));
    c = f32x4.add(c, v128.load(x, 32));
    d = f32x4.add(d, v128.load(x, 48));
    x += 64;
  }
  for (; j + 4 <= dim; j += 4) {
    a = f32x4.add(a, v128.load(x));
    x += 16;
  }
  let total = sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  for (; j < dim; j++) {
    total += load<f32>(x);
    x += 4;
  }
  return total / <f32>dim;
}

function varianceOf(x: usize, dim: i32, mean: f32): f32 {
  const centre = f32x4.splat(mean);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let j = 0;
  for (; j + 16 <= dim; j += 16) {
    const p = f32x4.sub(v128.load(x), centre);
    const q = f32x4.sub(v128.load(x, 16), centre);
    const r = f32x4.sub(v128.load(x, 32), centre);
    const s = f32x4.sub(v128.load(x, 48), centre);
    a = fma(p, p, a);
    b = fma(q, q, b);
    c = fma(r, r, c);
    d = fma(s, s, d);
    x += 64;
  }
  for (; j + 4 <= dim; j += 4) {
    const p = f32x4.sub(v128.load(x), centre);
    a = fma(p, p, a);
    x += 16;
  }
  let total = sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  for (; j < dim; j++) {
    const p = load<f32>(x) - mean;
    total += p * p;
    x += 4;
  }
  return total / <f32>dim;
}

function normalizeRow(x: usize, gamma: usize, beta: usize, y: usize, dim: i32, mean: f32, inverse: f32): void {
  const centre = f32x4.splat(mean);
  const scale = f32x4.splat(inverse);
  let j = 0;
  for (; j + 4 <= dim; j += 4) {
    const normalized = f32x4.mul(f32x4.sub(v128.load(x), centre), scale);
    v128.store(y, fma(normalized, v128.load(gamma), v128.load(beta)));
    x += 16;
    y += 16;
    gamma += 16;
    beta += 16;
  }
  for (; j < dim; j++) {
    store<f32>(y, (load<f32>(x) - mean) * inverse * load<f32>(gamma) + load<f32>(beta));
    x += 4;
    y += 4;
    gamma += 4;
    beta += 4;
  }
}

/** Rows that the gradient takes at a time: their values stay in the cache between its two passes. */
const ROWS = 16;

/** Bytes of scratch memory that {@link layerNormGrad} needs: two means per row of a block. */
export function layerNormGradScratch(): i32 {
  return ROWS * 8;
}

/**
 * Gradients of {@link layerNorm}. With the normalised row n and s = dy · gamma:
 * dx = inverse · (s - mean(s) - n · mean(s · n)), dgamma = Σ dy · n and dbeta = Σ dy over the rows.
 */
export function layerNormGrad(
  x: usize,
  dy: usize,
  gamma: usize,
  mean: usize,
  inverse: usize,
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  rows: i32,
  dim: i32,
  scratch: usize,
): void {
  memory.fill(dgamma, 0, (<usize>dim) << 2);
  memory.fill(dbeta, 0, (<usize>dim) << 2);
  for (let i = 0; i < rows; i += ROWS) {
    const count = min(ROWS, rows - i);
    for (let r = 0; r < count; r++) {
      const place = at(scratch, 2 * r);
      const row = (i + r) * dim;
      rowMeans(at(x, row), at(dy, row), gamma, load<f32>(at(mean, i + r)), load<f32>(at(inverse, i + r)), place, dim);
    }
    let j = 0;
    for (; j + 8 <= dim; j += 8) {
      const first = i * dim + j;
      gradColumns8(
        at(x, first), at(dy, first), at(gamma, j), at(mean, i), at(inverse, i),
        at(dx, first), at(dgamma, j), at(dbeta, j), count, dim, scratch,
      );
    }
    for (; j < dim; j += 4) {
      const first = i * dim + j;
      gradColumns4(
        at(x, first), at(dy, first), at(gamma, j), at(mean, i), at(inverse, i),
        at(dx, first), at(dgamma, j), at(dbeta, j), count, dim, scratch, dim - j,
      );
    }
  }
}

/** Stores mean(s) and mean(s · n) of a row. */
function rowMeans(x: usize, dy: usize, gamma: usize, mean: f32, inverse: f32, out: usize, dim: i32): void {
  const centre = f32x4.splat(mean);
  const scale = f32x4.splat(inverse);
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let j = 0;
  for (; j + 8 <= dim; j += 8) {
    const s = f32x4.mul(v128.load(dy), v128.load(gamma));
    a = f32x4.add(a, s);
    b = fma(s, f32x4.mul(f32x4.sub(v128.load(x), centre), scale), b);
    const t = f32x4.mul(v128.load(dy, 16), v128.load(gamma, 16));
    c = f32x4.add(c, t);
    d = fma(t, f32x4.mul(f32x4.sub(v128.load(x, 16), centre), scale), d);
    x += 32;
    dy += 32;
    gamma += 32;
  }
  for (; j < dim; j += 4) {
    // What is missing at the end is 0 in s.
    const s = f32x4.mul(loadSome(dy, dim - j), loadSome(gamma, dim - j));
    a = f32x4.add(a, s);
    b = fma(s, f32x4.mul(f32x4.sub(loadSome(x, dim - j), centre), scale), b);
    x += 16;
    dy += 16;
    gamma += 16;
  }
  store<f32>(out, sumLanes(f32x4.add(a, c)) / <f32>dim);
  store<f32>(out, sumLanes(f32x4.add(b, d)) / <f32>dim, 4);
}

/** The gradients in eight columns of a block of rows. */
function gradColumns8(
  x: usize,
  dy: usize,
  gamma: usize,
  mean: usize,
  inverse: usize,
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  count: i32,
  dim: i32,
  means: usize,
): void {
  const scale0 = v128.load(gamma);
  const scale1 = v128.load(gamma, 16);
  let products0 = v128.load(dgamma);
  let products1 = v128.load(dgamma, 16);
  let sums0 = v128.load(dbeta);
  let sums1 = v128.load(dbeta, 16);
  for (let r = 0; r < count; r++) {
    const centre = v128.load32_splat(at(mean, r));
    const factor = v128.load32_splat(at(inverse, r));
    const a = v128.load32_splat(means);
    const b = v128.load32_splat(means, 4);
    const g = v128.load(dy);
    const n = f32x4.mul(f32x4.sub(v128.load(x), centre), factor);
    sums0 = f32x4.add(sums0, g);
    products0 = fma(g, n, products0);
    v128.store(dx, gradOf(g, n, scale0, factor, a, b));
    const h = v128.load(dy, 16);
    const o = f32x4.mul(f32x4.sub(v128.load(x, 16), centre), factor);
    sums1 = f32x4.add(sums1, h);
    products1 = fma(h, o, products1);
    v128.store(dx, gradOf(h, o, scale1, factor, a, b), 16);
    x = at(x, dim);
    dy = at(dy, dim);
    dx = at(dx, dim);
    means += 8;
  }
  v128.store(dgamma, products0);
  v128.store(dgamma, products1, 16);
  v128.store(dbeta, sums0);
  v128.store(dbeta, sums1, 16);
}

/** The gradients in the last columns, four or fewer, of a block of rows. */
function gradColumns4(
  x: usize,
  dy: usize,
  gamma: usize,
  mean: usize,
  inverse: usize,
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  count: i32,
  dim: i32,
  means: usize,
  columns: i32,
): void {
  const scale = loadSome(gamma, columns);
  let products = loadSome(dgamma, columns);
  let sums = loadSome(dbeta, columns);
  for (let r = 0; r < count; r++) {
    const factor = v128.load32_splat(at(inverse, r));
    const g = loadSome(dy, columns);
    const n = f32x4.mul(f32x4.sub(loadSome(x, columns), v128.load32_splat(at(mean, r))), factor);
    sums = f32x4.add(sums, g);
    products = fma(g, n, products);
    const grad = gradOf(g, n, scale, factor, v128.load32_splat(means), v128.load32_splat(means, 4));
    storeSome(dx, grad, columns);
    x = at(x, dim);
    dy = at(dy, dim);
    dx = at(dx, dim);
    means += 8;
  }
  storeSome(dgamma, products, columns);
  storeSome(dbeta, sums, columns);
}

@inline
function gradOf(g: v128, n: v128, gamma: v128, inverse: v128, a: v128, b: v128): v128 {
  return f32x4.mul(inverse, f32x4.sub(f32x4.sub(f32x4.mul(g, gamma), a), f32x4.mul(n, b)));
}
