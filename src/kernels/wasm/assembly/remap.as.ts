import { exp } from './exp.as';
import { remapParis, remapParisGrad } from './paris.as';
import { loadSome, storeSome } from './tail.as';
import { at, fma, sumLanes } from './vector.as';

/** Remap functions of the local Laplacian filter: m(d) of the details d = pixel − sample. */

/** Which function it is: `GAUSS`, `TABLE`, or that of Paris et al., with its blend from 3 on. */
@inline export const GAUSS: i32 = 0;
@inline const TABLE: i32 = 1;
@inline const PARIS: i32 = 2;

/** The bell exp(−d² / (2 sigma²)), by −1 / (2 sigma²); no smaller than exp(−40), so that no product becomes denormal. */
@inline
function bell(square: v128, exponent: v128): v128 {
  return exp(f32x4.pmax(f32x4.mul(square, exponent), f32x4.splat(-40)));
}

/** −1 / (2 sigma²). */
@inline
function exponentOf(sigma: usize): v128 {
  const s = load<f32>(sigma);
  return f32x4.splat(<f32>-0.5 / (s * s));
}

/**
 * Remaps a row of pixels around a sample, four at a time. `a`, `b`, `c` are the places of sigma, alpha, beta; or of a table
 * of `nodes` numbers over `[-span, span]`, for which there is no b and c.
 */
export function remapRow(
  remap: i32,
  a: usize,
  b: usize,
  c: usize,
  nodes: i32,
  span: f32,
  pixels: usize,
  sample: f32,
  target: usize,
  count: i32,
): void {
  if (remap == TABLE) {
    const scale = <f32>(nodes - 1) / (<f32>2 * span);
    for (let i = 0; i < count; i++) {
      const place = (load<f32>(at(pixels, i)) - sample + span) * scale;
      const cell = cellOf(place, nodes);
      const left = load<f32>(at(a, cell));
      store<f32>(at(target, i), left + (load<f32>(at(a, cell + 1)) - left) * (place - <f32>cell));
    }
    return;
  }
  if (remap >= PARIS) {
    remapParis(remap > PARIS, a, b, c, pixels, sample, target, count);
    return;
  }
  const exponent = exponentOf(a);
  const alpha = f32x4.splat(load<f32>(b));
  const beta = f32x4.splat(load<f32>(c));
  const middle = f32x4.splat(sample);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const d = f32x4.sub(v128.load(at(pixels, i)), middle);
    v128.store(at(target, i), f32x4.mul(d, fma(bell(f32x4.mul(d, d), exponent), alpha, beta)));
  }
  if (i < count) {
    const d = f32x4.sub(loadSome(at(pixels, i), count - i), middle);
    v128.store(at(target, i), f32x4.mul(d, fma(bell(f32x4.mul(d, d), exponent), alpha, beta)));
  }
}

/** The cell of a place in a table; NaN falls into the first. */
@inline
function cellOf(place: f32, nodes: i32): i32 {
  return place > 0 ? min<i32>(<i32>min<f32>(place, <f32>nodes), nodes - 2) : 0;
}

/**
 * For the gradient `dm` of a remapped row: adds that of the pixels to `dx`, and that of the parameters to `sums`. Those of
 * sigma, alpha, beta are three float64 there, sigma's for `GAUSS` short of a factor alpha / sigma; those of a table its float32.
 */
export function remapRowGrad(
  remap: i32,
  a: usize,
  b: usize,
  c: usize,
  nodes: i32,
  span: f32,
  pixels: usize,
  sample: f32,
  dm: usize,
  dx: usize,
  count: i32,
  sums: usize,
): void {
  if (remap == TABLE) {
    const scale = <f32>(nodes - 1) / (<f32>2 * span);
    for (let i = 0; i < count; i++) {
      const g = load<f32>(at(dm, i));
      const place = (load<f32>(at(pixels, i)) - sample + span) * scale;
      const cell = cellOf(place, nodes);
      const node = at(a, cell);
      store<f32>(at(dx, i), load<f32>(at(dx, i)) + g * (load<f32>(node, 4) - load<f32>(node)) * scale);
      const right = g * (place - <f32>cell);
      const bin = at(sums, cell);
      store<f32>(bin, load<f32>(bin) + g - right);
      store<f32>(bin, load<f32>(bin, 4) + right, 4);
    }
    return;
  }
  if (remap >= PARIS) {
    remapParisGrad(remap > PARIS, a, b, c, pixels, sample, dm, dx, count, sums);
    return;
  }
  const exponent = exponentOf(a);
  const alpha = f32x4.splat(load<f32>(b));
  const beta = f32x4.splat(load<f32>(c));
  const middle = f32x4.splat(sample);
  const inverse = f32x4.mul(exponent, f32x4.splat(-2));
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
    const square = f32x4.mul(d, d);
    const weight = bell(square, exponent);
    const ratio = f32x4.mul(square, inverse);
    const slope = fma(f32x4.mul(weight, f32x4.sub(f32x4.splat(1), ratio)), alpha, beta);
    const along = f32x4.mul(g, d);
    const bent = f32x4.mul(along, weight);
    byBeta = f32x4.add(byBeta, along);
    byAlpha = f32x4.add(byAlpha, bent);
    bySigma = fma(bent, ratio, bySigma);
    if (whole) v128.store(place, fma(g, slope, v128.load(place)));
    else storeSome(place, fma(g, slope, loadSome(place, few)), few);
  }
  store<f64>(sums, load<f64>(sums) + <f64>sumLanes(bySigma));
  store<f64>(sums, load<f64>(sums, 8) + <f64>sumLanes(byAlpha), 8);
  store<f64>(sums, load<f64>(sums, 16) + <f64>sumLanes(byBeta), 16);
}
