import { exp } from './exp.as';
import { at } from './vector.as';

/** Softmax of each row of a matrix `[rows, columns]`. Results below the smallest normal number are 0. */
export function softmax(x: usize, out: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    softmaxRow(at(x, i * columns), at(out, i * columns), columns);
  }
}

function softmaxRow(x: usize, out: usize, columns: i32): void {
  const whole = columns & ~3;
  const highest = f32x4.splat(highestOf(x, columns));
  let totals = f32x4.splat(0);
  let j = 0;
  for (; j < whole; j += 4) {
    const y = share(v128.load(at(x, j)), highest);
    totals = f32x4.add(totals, y);
    v128.store(at(out, j), y);
  }
  let total = f32x4.extract_lane(totals, 0) + f32x4.extract_lane(totals, 1);
  total += f32x4.extract_lane(totals, 2) + f32x4.extract_lane(totals, 3);
  for (; j < columns; j++) {
    const y = f32x4.extract_lane(share(v128.load32_splat(at(x, j)), highest), 0);
    total += y;
    store<f32>(at(out, j), y);
  }
  const scale = <f32>1 / total;
  for (j = 0; j < whole; j += 4) {
    v128.store(at(out, j), f32x4.mul(v128.load(at(out, j)), f32x4.splat(scale)));
  }
  for (; j < columns; j++) store<f32>(at(out, j), load<f32>(at(out, j)) * scale);
}

// @ts-ignore: decorator
@inline
function share(x: v128, highest: v128): v128 {
  const logit = f32x4.sub(x, highest);
  return v128.andnot(exp(logit), f32x4.lt(logit, f32x4.splat(-80)));
}

function highestOf(x: usize, columns: i32): f32 {
  let highest = load<f32>(x);
  let j = 0;
  if (columns >= 4) {
    let four = v128.load(x);
    for (j = 4; j + 4 <= columns; j += 4) four = f32x4.pmax(four, v128.load(at(x, j)));
    highest = max(
      max(f32x4.extract_lane(four, 0), f32x4.extract_lane(four, 1)),
      max(f32x4.extract_lane(four, 2), f32x4.extract_lane(four, 3)),
    );
  }
  for (; j < columns; j++) highest = max(highest, load<f32>(at(x, j)));
  return highest;
}
