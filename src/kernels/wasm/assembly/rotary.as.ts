import { copyElements } from './rows.as';
import { at, fma } from './vector.as';

/**
 * Turns neighbours (a, b) at the front of each row of x, `turning` floats, to (a·cos - b·sin, b·cos + a·sin); the others
 * stay. The angles of a row are row `ids[i]` of the table, without ids (0) the rows in order, again for each sample:
 * `depth` sines, then `depth` cosines, the same for each `depth` floats. `sign` -1 turns back. `turning` and `depth` are
 * multiples of 4.
 */
export function turnRows(
  x: usize,
  table: usize,
  ids: usize,
  out: usize,
  batch: i32,
  tokens: i32,
  width: i32,
  turning: i32,
  depth: i32,
  sign: f32,
): void {
  const signs = f32x4.mul(f32x4.splat(sign), f32x4(-1, 1, -1, 1));
  for (let i = 0; i < batch * tokens; i++) {
    const sines = at(table, (ids ? load<i32>(at(ids, i)) : i % tokens) * 2 * depth);
    const cosines = at(sines, depth);
    for (let head = 0; head < turning; head += depth) {
      for (let j = 0; j < depth; j += 4) {
        const values = v128.load(at(x, head + j));
        const turned = f32x4.mul(v128.shuffle<f32>(values, values, 1, 0, 3, 2), signs);
        const straight = f32x4.mul(values, v128.load(at(cosines, j)));
        v128.store(at(out, head + j), fma(turned, v128.load(at(sines, j)), straight));
      }
    }
    copyElements(at(x, turning), at(out, turning), width - turning);
    x = at(x, width);
    out = at(out, width);
  }
}
