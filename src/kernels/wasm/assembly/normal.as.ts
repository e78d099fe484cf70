import { fma } from './vector.as';

/** The standard normal distribution, four numbers at a time, for 0 <= a <= 30. NaN stays NaN. */

/**
 * exp(-a² / 2), with a relative error of 1e-7 (1 + a²); 0 beyond 11.3, where products with it would become denormal.
 *
 * It is 2^n · 2^f with the integer n nearest to -a² log2(e) / 2: adding 1.5 · 2^23 rounds to it and leaves it in the lowest
 * bits, and 2^f is a polynomial (minimax in the relative error, 8e-8).
 */
@inline
export function bell(a: v128): v128 {
  const power = f32x4.mul(f32x4.mul(a, a), f32x4.splat(-0.7213475204444817));
  const shifted = f32x4.add(power, f32x4.splat(12582912));
  const f = f32x4.sub(power, f32x4.sub(shifted, f32x4.splat(12582912)));
  let y = fma(f, f32x4.splat(0.0013264742447063327), f32x4.splat(0.00967151764780283));
  y = fma(y, f, f32x4.splat(0.05550733581185341));
  y = fma(y, f, f32x4.splat(0.24022242426872253));
  y = fma(y, f, f32x4.splat(0.6931470036506653));
  y = fma(y, f, f32x4.splat(1));
  const scaled = f32x4.mul(y, i32x4.add(i32x4.shl(shifted, 23), i32x4.splat(0x3f800000)));
  return v128.andnot(scaled, f32x4.lt(power, f32x4.splat(-92)));
}

/**
 * The share of the distribution beyond a, over bell(a): a polynomial in t = 1 / (1 + 0.32 a), exactly 1/2 at 0.
 *
 * Fitted with errors weighted between absolute and relative ones: 1e-9 of the whole distribution, and 6e-5 of the share
 * up to a = 6.
 */
@inline
export function tailOverBell(a: v128): v128 {
  const t = f32x4.div(f32x4.splat(1), fma(a, f32x4.splat(0.32), f32x4.splat(1)));
  let y = fma(f32x4.splat(0.04624686762690544), t, f32x4.splat(-0.2431744933128357));
  y = fma(y, t, f32x4.splat(0.4131397604942322));
  y = fma(y, t, f32x4.splat(-0.1714266687631607));
  y = fma(y, t, f32x4.splat(0.2215113490819931));
  y = fma(y, t, f32x4.splat(0.10378438979387283));
  y = fma(y, t, f32x4.splat(0.12991879880428314));
  return f32x4.mul(y, t);
}
