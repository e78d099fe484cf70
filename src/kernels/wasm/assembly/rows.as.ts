import { at } from './vector.as';

/** Copies `count` elements of four bytes to another place, the last of them together with some before. */
@inline
export function copyElements(from: usize, to: usize, count: i32): void {
  if (count >= 128) {
    memory.copy(to, from, (<usize>count) << 2);
    return;
  }
  if (count >= 4) {
    for (let i = 0; i < count - 4; i += 4) v128.store(at(to, i), v128.load(at(from, i)));
    v128.store(at(to, count - 4), v128.load(at(from, count - 4)));
    return;
  }
  for (let i = 0; i < count; i++) store<i32>(at(to, i), load<i32>(at(from, i)));
}

/** to[i] += from[i]. */
@inline
export function addElements(from: usize, to: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const target = at(to, i);
    v128.store(target, f32x4.add(v128.load(target), v128.load(at(from, i))));
  }
  for (; i < count; i++) {
    const target = at(to, i);
    store<f32>(target, load<f32>(target) + load<f32>(at(from, i)));
  }
}
