import { fma } from './vector.as';

/**
 * exp(x), four at a time, within 1 ulp. x is clamped to [-87.33, 88.37], so that no result is denormal or infinite; NaN
 * stays NaN.
 */
@inline
export function exp(x: v128): v128 {
  return unclamped(f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87.33)), f32x4.splat(88.37)));
}

/**
 * exp(x) for x <= 0, and exactly 0 where x < -64 (1.6e-28): for shares of a sum that is at least 1. Products with them do
 * not become denormal, which would cost several times the time.
 */
@inline
export function expOrZero(x: v128): v128 {
  return expFrom(-64, x);
}

/** exp(x) for x <= 0, and exactly 0 where x < lowest; lowest is at least -87. */
@inline
export function expFrom(lowest: f32, x: v128): v128 {
  return v128.andnot(unclamped(x), f32x4.lt(x, f32x4.splat(lowest)));
}

/**
 * exp(x) where that is a normal number, else anything.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2. exp(r) is a polynomial (minimax in the relative error, 3e-9), 2^n is made of bits:
 * adding 1.5 · 2^23 rounds to an integer, which then lies in the lowest bits of the sum.
 */
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

/**
 * Writes exp(x - highest), 0 where that is below e^lowest, for four vectors `step` bytes apart, and returns their sum. In
 * lockstep: a constant is made once for four uses.
 */
@inline
export function fourShares(source: usize, target: usize, step: usize, highest: v128, lowest: f32): v128 {
  let x0 = f32x4.sub(v128.load(source), highest);
  source += step;
  let x1 = f32x4.sub(v128.load(source), highest);
  source += step;
  let x2 = f32x4.sub(v128.load(source), highest);
  source += step;
  let x3 = f32x4.sub(v128.load(source), highest);
  let c = f32x4.splat(lowest);
  x0 = f32x4.pmax(x0, c);
  x1 = f32x4.pmax(x1, c);
  x2 = f32x4.pmax(x2, c);
  x3 = f32x4.pmax(x3, c);
  c = f32x4.splat(1.44269504);
  let n0 = f32x4.mul(x0, c);
  let n1 = f32x4.mul(x1, c);
  let n2 = f32x4.mul(x2, c);
  let n3 = f32x4.mul(x3, c);
  c = f32x4.splat(12582912);
  n0 = f32x4.add(n0, c);
  n1 = f32x4.add(n1, c);
  n2 = f32x4.add(n2, c);
  n3 = f32x4.add(n3, c);
  let r0 = f32x4.sub(n0, c);
  let r1 = f32x4.sub(n1, c);
  let r2 = f32x4.sub(n2, c);
  let r3 = f32x4.sub(n3, c);
  n0 = i32x4.shl(n0, 23);
  n1 = i32x4.shl(n1, 23);
  n2 = i32x4.shl(n2, 23);
  n3 = i32x4.shl(n3, 23);
  c = i32x4.splat(0x3f800000);
  n0 = i32x4.add(n0, c);
  n1 = i32x4.add(n1, c);
  n2 = i32x4.add(n2, c);
  n3 = i32x4.add(n3, c);
  c = f32x4.splat(lowest);
  n0 = v128.and(n0, f32x4.gt(x0, c));
  n1 = v128.and(n1, f32x4.gt(x1, c));
  n2 = v128.and(n2, f32x4.gt(x2, c));
  n3 = v128.and(n3, f32x4.gt(x3, c));
  c = f32x4.splat(-0.693359375);
  x0 = fma(r0, c, x0);
  x1 = fma(r1, c, x1);
  x2 = fma(r2, c, x2);
  x3 = fma(r3, c, x3);
  c = f32x4.splat(2.12194440e-4);
  r0 = fma(r0, c, x0);
  r1 = fma(r1, c, x1);
  r2 = fma(r2, c, x2);
  r3 = fma(r3, c, x3);
  c = f32x4.splat(0.0013814308913424611);
  let d = f32x4.splat(0.008368856273591518);
  x0 = fma(r0, c, d);
  x1 = fma(r1, c, d);
  x2 = fma(r2, c, d);
  x3 = fma(r3, c, d);
  c = f32x4.splat(0.041668400168418884);
  x0 = fma(x0, r0, c);
  x1 = fma(x1, r1, c);
  x2 = fma(x2, r2, c);
  x3 = fma(x3, r3, c);
  c = f32x4.splat(0.1666651964187622);
  x0 = fma(x0, r0, c);
  x1 = fma(x1, r1, c);
  x2 = fma(x2, r2, c);
  x3 = fma(x3, r3, c);
  c = f32x4.splat(0.4999999403953552);
  x0 = fma(x0, r0, c);
  x1 = fma(x1, r1, c);
  x2 = fma(x2, r2, c);
  x3 = fma(x3, r3, c);
  c = f32x4.splat(1);
  x0 = f32x4.mul(f32x4.add(fma(x0, f32x4.mul(r0, r0), r0), c), n0);
  x1 = f32x4.mul(f32x4.add(fma(x1, f32x4.mul(r1, r1), r1), c), n1);
  x2 = f32x4.mul(f32x4.add(fma(x2, f32x4.mul(r2, r2), r2), c), n2);
  x3 = f32x4.mul(f32x4.add(fma(x3, f32x4.mul(r3, r3), r3), c), n3);
  v128.store(target, x0);
  target += step;
  v128.store(target, x1);
  target += step;
  v128.store(target, x2);
  target += step;
  v128.store(target, x3);
  return f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3));
}
