import { exp } from './exp.as';
import { at, fma } from './vector.as';

@inline
const RELU: i32 = 1;
@inline
const RELU6: i32 = 2;
@inline
const PRELU: i32 = 4;
@inline
const SIGMOID: i32 = 5;
@inline
const ELU: i32 = 6;

/** exp(x) - 1, exact to the last bits near 0 too. */
@inline
function expMinusOne(x: v128): v128 {
  let y = fma(x, f32x4.splat(1 / 5040), f32x4.splat(1 / 720));
  y = fma(y, x, f32x4.splat(1 / 120));
  y = fma(y, x, f32x4.splat(1 / 24));
  y = fma(y, x, f32x4.splat(1 / 6));
  y = fma(y, x, f32x4.splat(0.5));
  const near = fma(y, f32x4.mul(x, x), x);
  const far = f32x4.sub(exp(x), f32x4.splat(1));
  return v128.bitselect(near, far, f32x4.lt(f32x4.abs(x), f32x4.splat(0.35)));
}

@inline
function apply(x: v128, kind: i32, slope: v128): v128 {
  const zero = f32x4.splat(0);
  if (kind == RELU) return f32x4.max(x, zero);
  if (kind == RELU6) return f32x4.min(f32x4.max(x, zero), f32x4.splat(6));
  if (kind == SIGMOID) return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))));
  const below = kind == ELU ? expMinusOne(x) : f32x4.mul(x, slope);
  return v128.bitselect(below, x, f32x4.lt(x, zero));
}

/** Activates the rows of a matrix in place: 0 does nothing; `alpha` is the slope of 3, `slopes` (one a column) those of 4. */
export function activate(x: usize, row: i32, rows: i32, columns: i32, kind: i32, alpha: f32, slopes: usize): void {
  if (kind == 0) return;
  let slope = f32x4.splat(alpha);
  for (let i = 0; i < rows; i++) {
    let place = at(x, i * row);
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      if (kind == PRELU) slope = v128.load(at(slopes, j));
      v128.store(place, apply(v128.load(place), kind, slope));
      place += 16;
    }
    for (; j < columns; j++) {
      if (kind == PRELU) slope = v128.load32_splat(at(slopes, j));
      v128.store32_lane(place, apply(v128.load32_zero(place), kind, slope), 0);
      place += 4;
    }
  }
}
