import { fma } from './vector.as';

/** Rows and columns of a tile: what fits the 15 vector registers that V8 hands out (6x8 spills with relaxed SIMD, too). */
@inline
export const ROWS: i32 = 4;
@inline
export const COLUMNS: i32 = 8;

/** Stores a tile's row, added to the row at `start` if there is one. */
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
 * c[4, 8] = start + a · b over a packed panel `[k, 4]` that ends at `end`; steps between rows are in bytes. The loop is not
 * unrolled, and its loads come in the order of addresses: V8 allocates registers in this order.
 */
export function tile(
  a: usize,
  end: usize,
  b: usize,
  bStep: usize,
  c: usize,
  cStep: usize,
  start: usize,
  startStep: usize,
): void {
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
