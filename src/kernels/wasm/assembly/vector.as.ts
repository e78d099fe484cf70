/** Four floats at a time: what every kernel is written in. */

/** a · b + c; rounded once with relaxed SIMD, else twice. */
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<f32>(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Address of the float at `index`. Pointers are unsigned: they work above 2 GB. */
@inline
export function at(pointer: usize, index: i32): usize {
  return pointer + ((<usize>index) << 2);
}

/** The sum of four lanes. */
@inline
export function sumLanes(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}
