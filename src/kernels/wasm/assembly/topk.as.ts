import { at } from './vector.as';

/** Whether a NaN is among the numbers. */
export function hasNaN(x: usize, count: i32): i32 {
  let found = i32x4.splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const values = v128.load(at(x, i));
    found = v128.or(found, f32x4.ne(values, values));
  }
  let rest: i32 = v128.any_true(found) ? 1 : 0;
  for (; i < count; i++) {
    const value = load<f32>(at(x, i));
    if (value != value) rest = 1;
  }
  return rest;
}

/** Integers that rise as the floats fall; both zeros are one. */
@inline
function descendingKey(value: f32): u32 {
  const bits = reinterpret<u32>(value + 0);
  return ~(bits ^ (<u32>(<i32>bits >> 31) | 0x80000000));
}

/** Bytes of scratch that {@link largest} needs for rows of this length. */
export function largestScratch(columns: i32): i32 {
  return 16 * columns + 16384;
}

/** The `k` largest of each row, in falling order, and where they were; of equal ones the first comes first. No NaN. */
export function largest(
  x: usize,
  values: usize,
  indices: usize,
  rows: i32,
  columns: i32,
  k: i32,
  scratch: usize,
): void {
  for (let row = 0; row < rows; row++) {
    if (k <= 16) insertLargest(x, values, indices, columns, k);
    else sortLargest(x, values, indices, columns, k, scratch);
    x = at(x, columns);
    values = at(values, k);
    indices = at(indices, k);
  }
}

/** Keeps the best so far in the output, for few of them. */
function insertLargest(x: usize, values: usize, indices: usize, columns: i32, k: i32): void {
  for (let j = 0; j < columns; j++) {
    const value = load<f32>(at(x, j));
    if (j >= k && !(value > load<f32>(at(values, k - 1)))) continue;
    let place = min(j, k - 1);
    for (; place > 0 && load<f32>(at(values, place - 1)) < value; place--) {
      store<f32>(at(values, place), load<f32>(at(values, place - 1)));
      store<i32>(at(indices, place), load<i32>(at(indices, place - 1)));
    }
    store<f32>(at(values, place), value);
    store<i32>(at(indices, place), j);
  }
}

/** The upper 12 bits of the k-th key: no key above them is among the k first. */
function cutOf(x: usize, columns: i32, k: i32, counts: usize): u32 {
  memory.fill(counts, 0, 16384);
  for (let j = 0; j < columns; j++) {
    const count = at(counts, descendingKey(load<f32>(at(x, j))) >> 20);
    store<i32>(count, load<i32>(count) + 1);
  }
  let cut: u32 = 0;
  let total = 0;
  for (; cut < 4095; cut++) {
    total += load<i32>(at(counts, cut));
    if (total >= k) break;
  }
  return cut;
}

/** Sorts by radix, eight bits at a time: stable, so that equal numbers keep their order. */
function sortLargest(x: usize, values: usize, indices: usize, columns: i32, k: i32, scratch: usize): void {
  const counts = scratch;
  let from = scratch + 16384;
  let to = at(from, 2 * columns);
  const cut: u32 = columns >= 1024 && 4 * k <= columns ? cutOf(x, columns, k, counts) : 4095;
  memory.fill(counts, 0, 4096);
  let size = 0;
  for (let j = 0; j < columns; j++) {
    const key = descendingKey(load<f32>(at(x, j)));
    if (key >> 20 > cut) continue;
    store<u32>(at(from, 2 * size), key);
    store<i32>(at(from, 2 * size), j, 4);
    size++;
    for (let pass = 0; pass < 4; pass++) {
      const count = at(counts, pass * 256 + ((key >> (8 * pass)) & 255));
      store<i32>(count, load<i32>(count) + 1);
    }
  }
  for (let pass = 0; pass < 4; pass++) {
    const table = at(counts, pass * 256);
    const shift = 8 * pass;
    // All in one drawer: nothing would move.
    if (load<i32>(at(table, (load<u32>(from) >> shift) & 255)) == size) continue;
    let start = 0;
    for (let digit = 0; digit < 256; digit++) {
      const place = at(table, digit);
      const count = load<i32>(place);
      store<i32>(place, start);
      start += count;
    }
    for (let j = 0; j < size; j++) {
      const pair = load<u64>(at(from, 2 * j));
      const place = at(table, (<u32>pair >> shift) & 255);
      const target = load<i32>(place);
      store<i32>(place, target + 1);
      store<u64>(at(to, 2 * target), pair);
    }
    const swap = from;
    from = to;
    to = swap;
  }
  for (let j = 0; j < k; j++) {
    const index = load<i32>(at(from, 2 * j), 4);
    store<i32>(at(indices, j), index);
    store<f32>(at(values, j), load<f32>(at(x, index)));
  }
}
