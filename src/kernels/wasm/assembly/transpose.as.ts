import { copyElements } from './rows.as';
import { at } from './vector.as';

/** Copies `count` rows of `length` elements; the steps between rows count elements. */
export function copyRows(from: usize, to: usize, count: i32, fromStep: i32, toStep: i32, length: i32): void {
  if (length == 1) {
    for (let i = 0; i < count; i++) {
      store<i32>(to, load<i32>(from));
      from = at(from, fromStep);
      to = at(to, toStep);
    }
    return;
  }
  for (let i = 0; i < count; i++) {
    copyElements(from, to, length);
    from = at(from, fromStep);
    to = at(to, toStep);
  }
}

/** Transposes four rows of four elements. */
@inline
function transposeSquare(from: usize, fromRow: i32, to: usize, toRow: i32): void {
  const a = v128.load(from);
  const b = v128.load(at(from, fromRow));
  const c = v128.load(at(from, 2 * fromRow));
  const d = v128.load(at(from, 3 * fromRow));
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(at(to, toRow), v128.shuffle<i64>(ab, cd, 1, 3));
  const abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(at(to, 2 * toRow), v128.shuffle<i64>(abHigh, cdHigh, 0, 2));
  v128.store(at(to, 3 * toRow), v128.shuffle<i64>(abHigh, cdHigh, 1, 3));
}

/** to[j, i] = from[i, j] for a matrix `[rows, columns]`; 64 rows at a time, so that their cache lines serve all columns. */
export function transposeMatrix(from: usize, fromRow: i32, to: usize, toRow: i32, rows: i32, columns: i32): void {
  const fullColumns = columns & ~3;
  for (let start = 0; start < rows; start += 64) {
    const end = min(start + 64, rows);
    const fullEnd = start + ((end - start) & ~3);
    for (let j = 0; j < fullColumns; j += 4) {
      for (let i = start; i < fullEnd; i += 4) {
        transposeSquare(at(from, i * fromRow + j), fromRow, at(to, j * toRow + i), toRow);
      }
      for (let i = fullEnd; i < end; i++) {
        for (let k = j; k < j + 4; k++) store<i32>(at(to, k * toRow + i), load<i32>(at(from, i * fromRow + k)));
      }
    }
    for (let j = fullColumns; j < columns; j++) {
      for (let i = start; i < end; i++) store<i32>(at(to, j * toRow + i), load<i32>(at(from, i * fromRow + j)));
    }
  }
}

/**
 * Copies an array between layouts: for each index of the outer axes a stack of rows ({@link copyRows}) or a matrix to
 * transpose ({@link transposeMatrix}).
 *
 * `table` holds four integers for each outer axis, the slowest first: size, steps in `from` and `to`, and a counter that
 * starts at 0.
 */
export function copyLayout(
  from: usize,
  to: usize,
  table: usize,
  axes: i32,
  transposed: i32,
  rows: i32,
  fromStep: i32,
  toStep: i32,
  length: i32,
): void {
  for (;;) {
    if (transposed) transposeMatrix(from, fromStep, to, toStep, rows, length);
    else copyRows(from, to, rows, fromStep, toStep, length);
    let axis = axes - 1;
    for (; axis >= 0; axis--) {
      const entry = at(table, axis * 4);
      const size = load<i32>(entry);
      const count = load<i32>(entry, 12) + 1;
      from = at(from, load<i32>(entry, 4));
      to = at(to, load<i32>(entry, 8));
      if (count < size) {
        store<i32>(entry, count, 12);
        break;
      }
      store<i32>(entry, 0, 12);
      from -= (<usize>(size * load<i32>(entry, 4))) << 2;
      to -= (<usize>(size * load<i32>(entry, 8))) << 2;
    }
    if (axis < 0) return;
  }
}
