import { fma } from './vector.as';

/**
 * ln(x) of normal positive numbers, four at a time, within 2 ulp; NaN stays NaN.
 *
 * x = m 2^e with m in [sqrt(1/2), sqrt(2)), so that nothing cancels near 1. With s = (m - 1) / (m + 1), ln m is
 * 2 s (1 + s²/3 + s⁴/5 + ...); the first term left out is below 2e-9.
 */
@inline
export function log(x: v128): v128 {
  const e = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const m = i32x4.sub(x, i32x4.shl(e, 23));
  const s = f32x4.div(f32x4.sub(m, f32x4.splat(1)), f32x4.add(m, f32x4.splat(1)));
  const z = f32x4.mul(s, s);
  let y = fma(z, f32x4.splat(2.0 / 9), f32x4.splat(2.0 / 7));
  y = fma(y, z, f32x4.splat(2.0 / 5));
  y = fma(y, z, f32x4.splat(2.0 / 3));
  y = fma(f32x4.mul(y, z), s, f32x4.add(s, s));
  // ln 2 in two parts: the first has so few bits that its product with e is exact.
  const n = f32x4.convert_i32x4_s(e);
  return fma(n, f32x4.splat(0.693359375), fma(n, f32x4.splat(-2.12194440e-4), y));
}
