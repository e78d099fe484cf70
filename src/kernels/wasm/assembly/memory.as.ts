import { at } from './vector.as';

/** Writes an integer of a table that a kernel reads. */
export function storeInteger(table: usize, index: i32, value: i32): void {
  store<i32>(at(table, index), value);
}

/** Reads an integer. */
export function loadInteger(pointer: usize, index: i32): i32 {
  return load<i32>(at(pointer, index));
}

/** Sets floats to zero. */
export function clearElements(x: usize, count: i32): void {
  memory.fill(x, 0, (<usize>count) << 2);
}
