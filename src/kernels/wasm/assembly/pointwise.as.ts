import { exp } from './exp.as';
import { bell, tailOverBell } from './normal.as';
import { loadSome, storeSome } from './tail.as';
import { at, fma } from './vector.as';

/** Functions of single numbers. Each loop takes eight at a time: the engine then loads a constant once for two vectors. */

/** y = exp(x), from 0 to infinity; results below the smallest normal number are 0. */
export function exponentials(x: usize, y: usize, size: i32): void {
  let i = 0;
  for (; i + 8 <= size; i += 8) {
    v128.store(at(y, i), wholeExp(v128.load(at(x, i))));
    v128.store(at(y, i), wholeExp(v128.load(at(x, i), 16)), 16);
  }
  for (; i < size; i += 4) storeSome(at(y, i), wholeExp(loadSome(at(x, i), size - i)), size - i);
}

/** y = erf(x). */
export function errorFunctions(x: usize, y: usize, size: i32): void {
  let i = 0;
  for (; i + 8 <= size; i += 8) {
    v128.store(at(y, i), erf(v128.load(at(x, i))));
    v128.store(at(y, i), erf(v128.load(at(x, i), 16)), 16);
  }
  for (; i < size; i += 4) storeSome(at(y, i), erf(loadSome(at(x, i), size - i)), size - i);
}

/** y = tanh(x). */
export function hyperbolicTangents(x: usize, y: usize, size: i32): void {
  let i = 0;
  for (; i + 8 <= size; i += 8) {
    v128.store(at(y, i), tanh(v128.load(at(x, i))));
    v128.store(at(y, i), tanh(v128.load(at(x, i), 16)), 16);
  }
  for (; i < size; i += 4) storeSome(at(y, i), tanh(loadSome(at(x, i), size - i)), size - i);
}

/** y = x within [low, high]; NaN stays NaN. */
export function clipped(x: usize, y: usize, size: i32, low: f32, high: f32): void {
  const least = f32x4.splat(low);
  const most = f32x4.splat(high);
  for (let i = 0; i < size; i += 4) {
    storeSome(at(y, i), f32x4.min(f32x4.max(loadSome(at(x, i), size - i), least), most), size - i);
  }
}

/** The largest results are made as exp(x - 16) · exp(16), which may overflow. */
@inline
function wholeExp(x: v128): v128 {
  const large = f32x4.gt(x, f32x4.splat(88));
  const y = exp(f32x4.sub(x, v128.and(large, f32x4.splat(16))));
  const scale = v128.bitselect(f32x4.splat(8886110.520507872), f32x4.splat(1), large);
  return v128.andnot(f32x4.mul(y, scale), f32x4.lt(x, f32x4.splat(-87.33)));
}

/** A polynomial up to 1 (minimax in the relative error, 1e-9), and 1 - 2 (1 - Φ(√2 x)) beyond. */
@inline
function erf(x: v128): v128 {
  const square = f32x4.mul(x, x);
  let near = fma(square, f32x4.splat(7.853809802327305e-5), f32x4.splat(-0.0008010179153643548));
  near = fma(near, square, f32x4.splat(0.005188326351344585));
  near = fma(near, square, f32x4.splat(-0.026853810995817184));
  near = fma(near, square, f32x4.splat(0.1128358542919159));
  near = fma(near, square, f32x4.splat(-0.3761262595653534));
  near = fma(x, fma(near, square, f32x4.splat(0.12837916709551258)), x);
  const a = f32x4.pmin(f32x4.mul(f32x4.abs(x), f32x4.splat(1.4142135623730951)), f32x4.splat(30));
  const tail = f32x4.mul(f32x4.mul(bell(a), f32x4.splat(2)), tailOverBell(a));
  const far = withSign(f32x4.sub(f32x4.splat(1), tail), x);
  return v128.bitselect(near, far, f32x4.lt(f32x4.abs(x), f32x4.splat(1)));
}

/** A polynomial up to 0.625 (minimax in the relative error, 4e-9), and 1 - 2 / (exp(2 x) + 1) beyond. */
@inline
function tanh(x: v128): v128 {
  const square = f32x4.mul(x, x);
  let near = fma(square, f32x4.splat(-0.005659912712872028), f32x4.splat(0.020590921863913536));
  near = fma(near, square, f32x4.splat(-0.053721047937870026));
  near = fma(near, square, f32x4.splat(0.13331127166748047));
  near = fma(near, square, f32x4.splat(-0.3333325982093811));
  near = fma(f32x4.mul(near, square), x, x);
  const a = f32x4.abs(x);
  const share = f32x4.div(f32x4.splat(2), f32x4.add(exp(f32x4.add(a, a)), f32x4.splat(1)));
  const far = withSign(f32x4.sub(f32x4.splat(1), share), x);
  return v128.bitselect(near, far, f32x4.lt(a, f32x4.splat(0.625)));
}

/** A number that is not negative, with the sign of x. */
@inline
function withSign(value: v128, x: v128): v128 {
  return v128.or(value, v128.and(x, f32x4.splat(-0.0)));
}
