import { at } from './vector.as';

// @ts-ignore: decorator
@inline
const RELU: i32 = 1;
// @ts-ignore: decorator
@inline
const RELU6: i32 = 2;
// @ts-ignore: decorator
@inline
const LEAKY_RELU: i32 = 3;
// @ts-ignore: decorator
@inline
const PRELU: i32 = 4;

// @ts-ignore: decorator
@inline
function apply(x: v128, kind: i32, slope: v128): v128 {
  if (kind == RELU) return f32x4.max(x, f32x4.splat(0));
  if (kind == RELU6) return f32x4.min(f32x4.max(x, f32x4.splat(0)), f32x4.splat(6));
  return v128.bitselect(f32x4.mul(x, slope), x, f32x4.lt(x, f32x4.splat(0)));
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
