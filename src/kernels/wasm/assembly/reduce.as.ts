import { at } from './vector.as';

/** Sums a matrix `[rows, columns]` over its rows, 16 columns at a time: out[j] = Σ x[i, j]. */
export function columnSums(x: usize, out: usize, rows: i32, columns: i32): void {
  let j = 0;
  for (; j + 16 <= columns; j += 16) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let row = at(x, j);
    for (let i = 0; i < rows; i++) {
      a = f32x4.add(a, v128.load(row));
      b = f32x4.add(b, v128.load(row, 16));
      c = f32x4.add(c, v128.load(row, 32));
      d = f32x4.add(d, v128.load(row, 48));
      row = at(row, columns);
    }
    const target = at(out, j);
    v128.store(target, a);
    v128.store(target, b, 16);
    v128.store(target, c, 32);
    v128.store(target, d, 48);
  }
  for (; j < columns; j++) {
    let total: f32 = 0;
    let place = at(x, j);
    for (let i = 0; i < rows; i++) {
      total += load<f32>(place);
      place = at(place, columns);
    }
    store<f32>(at(out, j), total);
  }
}
