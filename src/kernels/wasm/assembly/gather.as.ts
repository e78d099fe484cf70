import { addElements, copyElements } from './rows.as';
import { at } from './vector.as';

/** Position of the first index that is not in [0, size); -1 if all are. */
export function firstOutside(indices: usize, count: i32, size: i32): i32 {
  for (let i = 0; i < count; i++) {
    if (<u32>load<i32>(at(indices, i)) >= <u32>size) return i;
  }
  return -1;
}

/** out[b, o, i] = x[b, o, indices[b, i]] for rows of `length` elements: x `[batch, outer, size]`, indices `[batch, count]`. */
export function gatherRows(
  x: usize,
  indices: usize,
  out: usize,
  batch: i32,
  outer: i32,
  size: i32,
  count: i32,
  length: i32,
): void {
  for (let b = 0; b < batch; b++) {
    for (let o = 0; o < outer; o++) {
      if (length == 1) {
        for (let i = 0; i < count; i++) store<i32>(at(out, i), load<i32>(at(x, load<i32>(at(indices, i)))));
      } else {
        let target = out;
        for (let i = 0; i < count; i++) {
          copyElements(at(x, load<i32>(at(indices, i)) * length), target, length);
          target = at(target, length);
        }
      }
      out = at(out, count * length);
      x = at(x, size * length);
    }
    indices = at(indices, count);
  }
}

/**
 * out[b, indices[b, i]] += x[b, i] for rows of `length` floats, from zero: x `[batch, count]`, out `[batch, size]`.
 * Indices outside of [0, size) are passed over.
 */
export function scatterRows(
  x: usize,
  indices: usize,
  out: usize,
  batch: i32,
  size: i32,
  count: i32,
  length: i32,
): void {
  memory.fill(out, 0, (<usize>(batch * size * length)) << 2);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < count; i++) {
      const index = load<i32>(at(indices, i));
      if (<u32>index < <u32>size) addElements(x, at(out, index * length), length);
      x = at(x, length);
    }
    out = at(out, size * length);
    indices = at(indices, count);
  }
}
