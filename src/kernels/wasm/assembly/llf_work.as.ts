import { borderBytes, DOWN, shrinkColumns, shrinkRow, writeBorders } from './pyramid.as';
import { at } from './vector.as';

/**
 * The work area of the local Laplacian kernels: rows with room around them, the border tables of all levels, and blocks of
 * planes, each with the levels 1, 2, ... of a pyramid; level 0 is the image itself. Rows of planes have whole vectors.
 */

/** Rows that are buffers: a ring of eight, and three single ones. */
@inline const ROWS: i32 = 11;
/** Floats of room before and after a row. */
@inline const ROOM: i32 = 16;

@inline
function halfTimes(n: i32, times: i32): i32 {
  for (let i = 0; i < times; i++) n = (n + 1) >> 1;
  return n;
}

/** Height or width of a level. */
@inline
export function sizeAt(n: i32, level: i32): i32 {
  return halfTimes(n, level);
}

/** Floats from a row of a plane to the next. */
@inline
export function strideAt(w: i32, level: i32): i32 {
  return (halfTimes(w, level) + 3) & ~3;
}

/** Floats from a buffer row to the next. */
@inline
export function bufferStride(w: i32): i32 {
  return ((w + 7) & ~7) + 2 * ROOM;
}

/** A buffer row; 0 to 7 are the ring. */
@inline
export function bufferRow(work: usize, w: i32, index: i32): usize {
  return at(work, index * bufferStride(w) + ROOM);
}

/** The border tables of the columns of a level. */
@inline
export function bordersAt(work: usize, w: i32, level: i32): usize {
  return at(work, ROWS * bufferStride(w)) + <usize>(level * borderBytes());
}

/** Floats of one block of planes. */
function blockFloats(h: i32, w: i32, levels: i32): i32 {
  let floats = 0;
  for (let l = 1; l < levels; l++) floats += sizeAt(h, l) * strideAt(w, l);
  return floats + ROOM;
}

/** A level of a block of planes. */
export function planeAt(work: usize, h: i32, w: i32, levels: i32, block: i32, level: i32): usize {
  let floats = block * blockFloats(h, w, levels);
  for (let l = 1; l < level; l++) floats += sizeAt(h, l) * strideAt(w, l);
  return at(bordersAt(work, w, levels), floats);
}

/** Floats of what the local means of an image gain: level 0 without gaps, then planes. */
export function risesFloats(h: i32, w: i32, levels: i32): i32 {
  return ((h * w + 3) & ~3) + blockFloats(h, w, levels);
}

/** A level of them. */
export function risesAt(rises: usize, h: i32, w: i32, level: i32): usize {
  if (level == 0) return rises;
  let floats = (h * w + 3) & ~3;
  for (let l = 1; l < level; l++) floats += sizeAt(h, l) * strideAt(w, l);
  return at(rises, floats);
}

/** Bytes of a work area with so many blocks. */
export function llfWorkBytes(h: i32, w: i32, levels: i32, blocks: i32): i32 {
  return 4 * (ROWS * bufferStride(w) + blocks * blockFloats(h, w, levels)) + levels * borderBytes();
}

/** Clears the buffer rows and writes the border tables. */
export function prepareWork(work: usize, w: i32, levels: i32, kind: i32): void {
  memory.fill(work, 0, (<usize>(ROWS * bufferStride(w))) << 2);
  for (let l = 0; l < levels; l++) writeBorders(bordersAt(work, w, l), kind, sizeAt(w, l));
}

/** Sets all levels of a block to zero. */
export function clearBlock(work: usize, h: i32, w: i32, levels: i32, block: i32): void {
  memory.fill(planeAt(work, h, w, levels, block, 1), 0, (<usize>blockFloats(h, w, levels)) << 2);
}

/** Takes a level to the next with a map that shrinks: h x w are those of level 0, `source` has the given stride. */
export function shrinkLevel(
  map: i32,
  kind: i32,
  work: usize,
  h: i32,
  w: i32,
  level: i32,
  source: usize,
  stride: i32,
  target: usize,
): void {
  const rows = sizeAt(h, level);
  const columns = sizeAt(w, level);
  const v = bufferRow(work, w, 8);
  const next = strideAt(w, level + 1);
  for (let r = 0; r < (rows + 1) >> 1; r++) {
    shrinkColumns(map, kind, source, stride, -1, rows, r, v, columns);
    shrinkRow(bordersAt(work, w, level), map, kind, v, at(target, r * next), (columns + 1) >> 1);
  }
}

/** The levels of a pyramid below the image, in a block; the gradients of the levels with the adjoint of `up`. */
export function shrinkAll(
  map: i32,
  kind: i32,
  work: usize,
  h: i32,
  w: i32,
  levels: i32,
  block: i32,
  image: usize,
): void {
  let source = image;
  let stride = w;
  for (let l = 0; l + 1 < levels; l++) {
    const target = planeAt(work, h, w, levels, block, l + 1);
    shrinkLevel(map, kind, work, h, w, l, source, stride, target);
    source = target;
    stride = strideAt(w, l + 1);
  }
}

/** The Gaussian levels of an image. */
@inline
export function gaussianBlock(kind: i32, work: usize, h: i32, w: i32, levels: i32, block: i32, image: usize): void {
  shrinkAll(DOWN, kind, work, h, w, levels, block, image);
}
