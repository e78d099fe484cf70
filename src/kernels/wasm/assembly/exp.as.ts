import { fma } from './vector.as';

/**
 * exp(x), four at a time, within 1 ulp. x is clamped to [-87.33, 88.37], so that no result is denormal or infinite; NaN
 * stays NaN.
 */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  return unclamped(f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87.33)), f32x4.splat(88.37)));
}

/**
 * exp(x) for x <= 0, and exactly 0 where x < -64 (1.6e-28): for shares of a sum that is at least 1. Products with them do
 * not become denormal, which would cost several times the time.
 */
// @ts-ignore: decorator
@inline
export function expOrZero(x: v128): v128 {
  return v128.andnot(unclamped(x), f32x4.lt(x, f32x4.splat(-64)));
}

/**
 * exp(x) where that is a normal number, else anything.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2. exp(r) is a polynomial (minimax in the relative error, 3e-9), 2^n is made of bits:
 * adding 1.5 · 2^23 rounds to an integer, which then lies in the lowest bits of the sum.
 */
// @ts-ignore: decorator
@inline
function unclamped(x: v128): v128 {
  const shifted = fma(x, f32x4.splat(1.44269504), f32x4.splat(12582912));
  const n = f32x4.sub(shifted, f32x4.splat(12582912));
  // ln 2 in two parts: the first has so few bits that its product with n is exact.
  let r = fma(n, f32x4.splat(-0.693359375), x);
  r = fma(n, f32x4.splat(2.12194440e-4), r);
  let y = fma(r, f32x4.splat(0.0013814308913424611), f32x4.splat(0.008368856273591518));
  y = fma(y, r, f32x4.splat(0.041668400168418884));
  y = fma(y, r, f32x4.splat(0.1666651964187622));
  y = fma(y, r, f32x4.splat(0.4999999403953552));
  y = f32x4.add(fma(y, f32x4.mul(r, r), r), f32x4.splat(1));
  return f32x4.mul(y, i32x4.add(i32x4.shl(shifted, 23), i32x4.splat(0x3f800000)));
}
