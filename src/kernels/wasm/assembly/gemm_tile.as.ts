import { fma } from './vector.as';

/** Rows and columns of a tile: what fits the 15 vector registers that V8 hands out. */
// @ts-ignore: decorator
@inline
export const ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;
// @ts-ignore: decorator
@inline
export const COLUMNS: i32 = 8;

/** Stores a tile's row, added to the row at `start` if there is one. */
// @ts-ignore: decorator
@inline
function put(c: usize, left: v128, right: v128, start: usize): void {
  if (start != 0) {
    left = f32x4.add(v128.load(start), left);
    right = f32x4.add(v128.load(start, 16), right);
  }
  v128.store(c, left);
  v128.store(c, right, 16);
}

/**
 * c[ROWS, 8] = start + a · b over a packed panel `[k, ROWS]` that ends at `end`; steps between rows are in bytes. The loop is not unrolled, and its loads come in the order of addresses: V8 allocates registers in this order.
 */
export function tile(a: usize, end: usize, b: usize, bStep: usize, c: usize, cStep: usize, start: usize, startStep: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) tile6(a, end, b, bStep, c, cStep, start, startStep);
  else tile4(a, end, b, bStep, c, cStep, start, startStep);
}

// @ts-ignore: decorator
@inline
function tile4(a: usize, end: usize, b: usize, bStep: usize, c: usize, cStep: usize, start: usize, startStep: usize): void {
  let l0 = f32x4.splat(0);
  let r0 = l0;
  let l1 = l0;
  let r1 = l0;
  let l2 = l0;
  let r2 = l0;
  let l3 = l0;
  let r3 = l0;
  do {
    const left = v128.load(b);
    let s = v128.load32_splat(a);
    l0 = fma(s, left, l0);
    const right = v128.load(b, 16);
    r0 = fma(s, right, r0);
    s = v128.load32_splat(a, 4);
    l1 = fma(s, left, l1);
    r1 = fma(s, right, r1);
    s = v128.load32_splat(a, 8);
    l2 = fma(s, left, l2);
    r2 = fma(s, right, r2);
    s = v128.load32_splat(a, 12);
    l3 = fma(s, left, l3);
    r3 = fma(s, right, r3);
    a += 16;
    b += bStep;
  } while (a != end);
  put(c, l0, r0, start);
  c += cStep;
  start += startStep;
  put(c, l1, r1, start);
  c += cStep;
  start += startStep;
  put(c, l2, r2, start);
  c += cStep;
  start += startStep;
  put(c, l3, r3, start);
}

// @ts-ignore: decorator
@inline
function tile6(a: usize, end: usize, b: usize, bStep: usize, c: usize, cStep: usize, start: usize, startStep: usize): void {
  let l0 = f32x4.splat(0);
  let r0 = l0;
  let l1 = l0;
  let r1 = l0;
  let l2 = l0;
  let r2 = l0;
  let l3 = l0;
  let r3 = l0;
  let l4 = l0;
  let r4 = l0;
  let l5 = l0;
  let r5 = l0;
  do {
    const left = v128.load(b);
    let s = v128.load32_splat(a);
    l0 = fma(s, left, l0);
    const right = v128.load(b, 16);
    r0 = fma(s, right, r0);
    s = v128.load32_splat(a, 4);
    l1 = fma(s, left, l1);
    r1 = fma(s, right, r1);
    s = v128.load32_splat(a, 8);
    l2 = fma(s, left, l2);
    r2 = fma(s, right, r2);
    s = v128.load32_splat(a, 12);
    l3 = fma(s, left, l3);
    r3 = fma(s, right, r3);
    s = v128.load32_splat(a, 16);
    l4 = fma(s, left, l4);
    r4 = fma(s, right, r4);
    s = v128.load32_splat(a, 20);
    l5 = fma(s, left, l5);
    r5 = fma(s, right, r5);
    a += 24;
    b += bStep;
  } while (a != end);
  put(c, l0, r0, start);
  c += cStep;
  start += startStep;
  put(c, l1, r1, start);
  c += cStep;
  start += startStep;
  put(c, l2, r2, start);
  c += cStep;
  start += startStep;
  put(c, l3, r3, start);
  c += cStep;
  start += startStep;
  put(c, l4, r4, start);
  c += cStep;
  start += startStep;
  put(c, l5, r5, start);
}
