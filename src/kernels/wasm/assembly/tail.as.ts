/** Loads and stores of four floats, or of those that are left at the end of an array. */

/** Loads four floats; the `count` first ones if fewer are left, with zeros for the others. */
@inline
export function loadSome(pointer: usize, count: i32): v128 {
  return count >= 4 ? v128.load(pointer) : loadFew(pointer, count);
}

/** Stores four floats; the `count` first ones if there is room for fewer. */
@inline
export function storeSome(pointer: usize, values: v128, count: i32): void {
  if (count >= 4) v128.store(pointer, values);
  else storeFew(pointer, values, count);
}

function loadFew(pointer: usize, count: i32): v128 {
  let values = v128.load32_zero(pointer);
  if (count > 1) values = v128.load_lane<f32>(pointer, values, 1, 4);
  if (count > 2) values = v128.load_lane<f32>(pointer, values, 2, 8);
  return values;
}

function storeFew(pointer: usize, values: v128, count: i32): void {
  v128.store_lane<f32>(pointer, values, 0);
  if (count > 1) v128.store_lane<f32>(pointer, values, 1, 4);
  if (count > 2) v128.store_lane<f32>(pointer, values, 2, 8);
}
