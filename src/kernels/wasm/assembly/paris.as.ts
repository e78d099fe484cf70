import { exp } from './exp.as';
import { log } from './log.as';
import { loadSome, storeSome } from './tail.as';
import { at, fma, sumLanes } from './vector.as';

/**
 * The remap function of Paris et al.: below sigma sgn(d) sigma (|d| / sigma)^alpha, beyond sgn(d) (sigma + beta (|d| − sigma)).
 * `blends` leaves noise as it is where alpha is below 1. `a`, `b`, `c` are the places of sigma, alpha, beta.
 */

/** Details below it are noise, up to twice as much less. */
@inline const NOISE: f32 = 0.01;
/** The logarithm of a smaller detail may not be finite; and the slope at a smaller one is steeper than is of use. */
@inline const SMALLEST_DETAIL: f32 = 1e-30;
@inline const SMALLEST_SLOPE_AT: f32 = 1e-6;

/** share^alpha by the logarithm of the share, no smaller than e^-60, so that no product becomes denormal. */
@inline
function power(logarithm: v128, alpha: v128): v128 {
  return exp(f32x4.pmax(f32x4.mul(logarithm, alpha), f32x4.splat(-60)));
}

/** From 0 at the noise to 1 at twice as much. */
@inline
function rampOf(size: v128): v128 {
  const t = f32x4.mul(f32x4.sub(size, f32x4.splat(NOISE)), f32x4.splat(<f32>1 / NOISE));
  return f32x4.pmin(f32x4.pmax(t, f32x4.splat(0)), f32x4.splat(1));
}

/** ±1 with the sign of d, 0 at 0, by which everything is multiplied. */
@inline
function signOf(d: v128): v128 {
  const sign = v128.or(v128.and(d, i32x4.splat(0x80000000)), f32x4.splat(1));
  return v128.and(sign, f32x4.ne(d, f32x4.splat(0)));
}

@inline
function remapped(d: v128, sigma: v128, inverse: v128, alpha: v128, beta: v128, blends: bool): v128 {
  const size = f32x4.abs(d);
  const share = f32x4.mul(f32x4.pmax(size, f32x4.splat(SMALLEST_DETAIL)), inverse);
  let bent = power(log(share), alpha);
  if (blends) {
    const ramp = rampOf(size);
    const root = f32x4.mul(ramp, f32x4.sub(f32x4.splat(2), ramp));
    bent = fma(f32x4.mul(root, root), f32x4.sub(bent, share), share);
  }
  const edge = fma(f32x4.sub(size, sigma), beta, sigma);
  return f32x4.mul(signOf(d), v128.bitselect(f32x4.mul(bent, sigma), edge, f32x4.lt(size, sigma)));
}

/** Remaps a row of pixels around a sample. */
export function remapParis(
  blends: bool,
  a: usize,
  b: usize,
  c: usize,
  pixels: usize,
  sample: f32,
  target: usize,
  count: i32,
): void {
  const sigma = f32x4.splat(load<f32>(a));
  const inverse = f32x4.div(f32x4.splat(1), sigma);
  const alpha = f32x4.splat(load<f32>(b));
  const beta = f32x4.splat(load<f32>(c));
  const middle = f32x4.splat(sample);
  const isBlended = blends && load<f32>(b) < 1;
  for (let i = 0; i < count; i += 4) {
    const few = count - i;
    const d = f32x4.sub(few >= 4 ? v128.load(at(pixels, i)) : loadSome(at(pixels, i), few), middle);
    const m = remapped(d, sigma, inverse, alpha, beta, isBlended);
    if (few >= 4) v128.store(at(target, i), m);
    else storeSome(at(target, i), m, few);
  }
}

/** For the gradient `dm` of a remapped row: adds that of the pixels to `dx`, and three float64 to `sums`. */
export function remapParisGrad(
  blends: bool,
  a: usize,
  b: usize,
  c: usize,
  pixels: usize,
  sample: f32,
  dm: usize,
  dx: usize,
  count: i32,
  sums: usize,
): void {
  const sigma = f32x4.splat(load<f32>(a));
  const inverse = f32x4.div(f32x4.splat(1), sigma);
  const alpha = f32x4.splat(load<f32>(b));
  const beta = f32x4.splat(load<f32>(c));
  const middle = f32x4.splat(sample);
  const one = f32x4.splat(1);
  const isBlended = blends && load<f32>(b) < 1;
  let bySigma = f32x4.splat(0);
  let byAlpha = bySigma;
  let byBeta = bySigma;
  for (let i = 0; i < count; i += 4) {
    const few = count - i;
    const whole = few >= 4;
    const place = at(dx, i);
    const d = f32x4.sub(whole ? v128.load(at(pixels, i)) : loadSome(at(pixels, i), few), middle);
    // Beyond the row there are no gradients, so that the sums stay.
    const g = whole ? v128.load(at(dm, i)) : loadSome(at(dm, i), few);
    const size = f32x4.abs(d);
    const isDetail = f32x4.lt(size, sigma);
    const share = f32x4.mul(f32x4.pmax(size, f32x4.splat(SMALLEST_SLOPE_AT)), inverse);
    const logarithm = log(share);
    const raised = power(logarithm, alpha);
    // By the share; the blend depends on the detail itself, not on the share.
    let rate = f32x4.div(f32x4.mul(raised, alpha), share);
    let bent = raised;
    let slope = rate;
    let weight = one;
    if (isBlended) {
      const ramp = rampOf(size);
      const root = f32x4.mul(ramp, f32x4.sub(f32x4.splat(2), ramp));
      weight = f32x4.mul(root, root);
      const gap = f32x4.sub(raised, share);
      bent = fma(weight, gap, share);
      rate = fma(weight, f32x4.sub(rate, one), one);
      const steep = f32x4.mul(f32x4.mul(root, f32x4.sub(one, ramp)), f32x4.splat(<f32>4 / NOISE));
      slope = fma(f32x4.mul(steep, gap), sigma, rate);
    }
    const along = f32x4.mul(g, v128.bitselect(slope, beta, isDetail));
    const signed = f32x4.mul(g, signOf(d));
    const inside = v128.and(signed, isDetail);
    const outside = v128.andnot(signed, isDetail);
    bySigma = fma(inside, f32x4.sub(bent, f32x4.mul(share, rate)), fma(outside, f32x4.sub(one, beta), bySigma));
    byAlpha = fma(inside, f32x4.mul(f32x4.mul(raised, logarithm), f32x4.mul(sigma, weight)), byAlpha);
    byBeta = fma(outside, f32x4.sub(size, sigma), byBeta);
    if (whole) v128.store(place, f32x4.add(along, v128.load(place)));
    else storeSome(place, f32x4.add(along, loadSome(place, few)), few);
  }
  store<f64>(sums, load<f64>(sums) + <f64>sumLanes(bySigma));
  store<f64>(sums, load<f64>(sums, 8) + <f64>sumLanes(byAlpha), 8);
  store<f64>(sums, load<f64>(sums, 16) + <f64>sumLanes(byBeta), 16);
}
