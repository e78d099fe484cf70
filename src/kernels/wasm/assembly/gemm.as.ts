import { at } from './vector.as';

/** Bytes of scratch that {@link gemm} needs for a product of this size. */
export function gemmScratch(m: i32, n: i32, k: i32): i32 {
  return 16;
}

/** c[m, n] (+)= a[m, k] · b[k, n]; strides count elements, so that any of them may be transposed. */
export function gemm(
  a: usize,
  aRow: i32,
  aCol: i32,
  b: usize,
  bRow: i32,
  bCol: i32,
  c: usize,
  cRow: i32,
  m: i32,
  n: i32,
  k: i32,
  accumulate: i32,
  scratch: usize,
): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const target = at(c, i * cRow + j);
      let sum: f32 = accumulate ? load<f32>(target) : 0;
      for (let p = 0; p < k; p++) sum += load<f32>(at(a, i * aRow + p * aCol)) * load<f32>(at(b, p * bRow + j * bCol));
      store<f32>(target, sum);
    }
  }
}
