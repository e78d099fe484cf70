import { expFrom, fourShares } from './exp.as';
import { at } from './vector.as';

/** Softmax of each row of a matrix `[rows, columns]`. Shares below e^-80 of the largest are 0. */
export function softmax(x: usize, out: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    softmaxRow(at(x, i * columns), at(out, i * columns), columns);
  }
}

function softmaxRow(x: usize, out: usize, columns: i32): void {
  const highest = highestOf(x, columns);
  const total = exponentialsOf(x, out, columns, f32x4.splat(highest));
  const scale = <f32>1 / total;
  let j = 0;
  for (; j + 4 <= columns; j += 4) {
    const place = at(out, j);
    v128.store(place, f32x4.mul(v128.load(place), f32x4.splat(scale)));
  }
  for (; j < columns; j++) store<f32>(at(out, j), load<f32>(at(out, j)) * scale);
}

@inline
function share(x: v128, highest: v128): v128 {
  return expFrom(-80, f32x4.sub(x, highest));
}

/** Writes exp(x - highest), returns the sum. Sixteen at a time, to use its constants often. */
function exponentialsOf(x: usize, out: usize, columns: i32, highest: v128): f32 {
  let a = f32x4.splat(0);
  let j = 0;
  for (; j + 16 <= columns; j += 16) a = f32x4.add(a, fourShares(at(x, j), at(out, j), 16, highest, -80));
  for (; j + 4 <= columns; j += 4) {
    const y = share(v128.load(at(x, j)), highest);
    v128.store(at(out, j), y);
    a = f32x4.add(a, y);
  }
  let total = f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1);
  total += f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3);
  for (; j < columns; j++) {
    const y = f32x4.extract_lane(share(v128.load32_splat(at(x, j)), highest), 0);
    store<f32>(at(out, j), y);
    total += y;
  }
  return total;
}

function highestOf(x: usize, columns: i32): f32 {
  let a = v128.load32_splat(x);
  let b = a;
  let j = 0;
  for (; j + 8 <= columns; j += 8) {
    a = f32x4.pmax(a, v128.load(at(x, j)));
    b = f32x4.pmax(b, v128.load(at(x, j), 16));
  }
  for (; j < columns; j++) a = f32x4.pmax(a, v128.load32_splat(at(x, j)));
  a = f32x4.pmax(a, b);
  a = f32x4.pmax(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  a = f32x4.pmax(a, v128.shuffle<f32>(a, a, 1, 0, 3, 2));
  return f32x4.extract_lane(a, 0);
}
