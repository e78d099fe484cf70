import { at } from './vector.as';

/** Four rows of a matrix, contiguous along k, `stride` floats apart, as columns `step` bytes apart; returns the k done. */
@inline
function transposeFour(source: usize, stride: i32, k: i32, target: usize, step: usize): i32 {
  let r0 = source;
  let r1 = at(r0, stride);
  let r2 = at(r1, stride);
  let r3 = at(r2, stride);
  let p = 0;
  for (; p + 4 <= k; p += 4) {
    const x0 = v128.load(r0);
    const x1 = v128.load(r1);
    const x2 = v128.load(r2);
    const x3 = v128.load(r3);
    const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    v128.store(target, v128.shuffle<f64>(low01, low23, 0, 2));
    target += step;
    v128.store(target, v128.shuffle<f64>(low01, low23, 1, 3));
    target += step;
    v128.store(target, v128.shuffle<f64>(high01, high23, 0, 2));
    target += step;
    v128.store(target, v128.shuffle<f64>(high01, high23, 1, 3));
    target += step;
    r0 += 16;
    r1 += 16;
    r2 += 16;
    r3 += 16;
  }
  return p;
}

/** Copies `lanes` rows, `stride` floats apart, from k = `from` on, one float at a time. */
@inline
function scatter(
  source: usize,
  stride: i32,
  kStride: i32,
  from: i32,
  k: i32,
  lanes: i32,
  target: usize,
  step: usize,
): void {
  for (let lane = 0; lane < lanes; lane++) {
    let place = at(at(source, lane * stride), from * kStride);
    let out = at(target, lane) + <usize>from * step;
    for (let p = from; p < k; p++) {
      store<f32>(out, load<f32>(place));
      place = at(place, kStride);
      out += step;
    }
  }
}

/**
 * Packs `rows` rows of a matrix (`stride` floats apart, `kStride` along k) into a panel `[k, width]`: width is 4 or 8, rows
 * beyond the matrix are 0.
 */
@inline
function packPanel(source: usize, stride: i32, kStride: i32, rows: i32, k: i32, target: usize, width: i32): void {
  const step = <usize>width << 2;
  if (rows < width) {
    memory.fill(target, 0, <usize>k * step);
    scatter(source, stride, kStride, 0, k, rows, target, step);
  } else if (stride == 1) {
    for (let p = 0; p < k; p++) {
      v128.store(target, v128.load(source));
      if (width == 8) v128.store(target, v128.load(source, 16), 16);
      source = at(source, kStride);
      target += step;
    }
  } else if (kStride == 1) {
    for (let lane = 0; lane < width; lane += 4) {
      const from = transposeFour(at(source, lane * stride), stride, k, at(target, lane), step);
      scatter(at(source, lane * stride), stride, 1, from, k, 4, at(target, lane), step);
    }
  } else {
    scatter(source, stride, kStride, 0, k, width, target, step);
  }
}

/** Packs a block `[rows, k]` into panels of `width` rows. */
@inline
export function packBlock(
  source: usize,
  stride: i32,
  kStride: i32,
  rows: i32,
  k: i32,
  target: usize,
  width: i32,
): void {
  for (let i = 0; i < rows; i += width) {
    packPanel(at(source, i * stride), stride, kStride, min(width, rows - i), k, at(target, i * k), width);
  }
}
