import { at, fma } from './vector.as';

/** First output position whose window's tap at `offset` (tap minus padding) is inside. */
@inline
function firstInside(offset: i32, stride: i32): i32 {
  return offset >= 0 ? 0 : (stride - 1 - offset) / stride;
}

/** One past the last output position whose window's tap at `offset` is inside. */
@inline
function endInside(offset: i32, stride: i32, size: i32, outSize: i32): i32 {
  return min(outSize, size > offset ? (size - offset + stride - 1) / stride : 0);
}

/** Repeats each of `count` elements `times` times: the channels of an image for a channel multiplier. */
export function repeatElements(x: usize, out: usize, count: i32, times: i32): void {
  for (let i = 0; i < count; i++) {
    const value = load<f32>(at(x, i));
    for (let k = 0; k < times; k++) {
      store<f32>(out, value);
      out = at(out, 1);
    }
  }
}

/** out[i] = sum of `times` neighbours: the adjoint of {@link repeatElements}. */
export function sumNeighbours(x: usize, out: usize, count: i32, times: i32): void {
  for (let i = 0; i < count; i++) {
    let total: f32 = 0;
    for (let k = 0; k < times; k++) {
      total += load<f32>(x);
      x = at(x, 1);
    }
    store<f32>(at(out, i), total);
  }
}

/** total[c] += Σ x[i, c] · dy[i, c] over `count` positions. */
function addProducts(x: usize, xStep: i32, dy: usize, channels: i32, count: i32, total: usize): void {
  let c = 0;
  for (; c + 16 <= channels; c += 16) {
    const target = at(total, c);
    let p = f32x4.splat(0);
    let q = p;
    let r = p;
    let s = p;
    let left = at(x, c);
    let right = at(dy, c);
    for (let i = 0; i < count; i++) {
      p = fma(v128.load(left), v128.load(right), p);
      q = fma(v128.load(left, 16), v128.load(right, 16), q);
      r = fma(v128.load(left, 32), v128.load(right, 32), r);
      s = fma(v128.load(left, 48), v128.load(right, 48), s);
      left = at(left, xStep);
      right = at(right, channels);
    }
    v128.store(target, f32x4.add(v128.load(target), p));
    v128.store(target, f32x4.add(v128.load(target, 16), q), 16);
    v128.store(target, f32x4.add(v128.load(target, 32), r), 32);
    v128.store(target, f32x4.add(v128.load(target, 48), s), 48);
  }
  for (; c + 4 <= channels; c += 4) {
    const target = at(total, c);
    let p = f32x4.splat(0);
    let left = at(x, c);
    let right = at(dy, c);
    for (let i = 0; i < count; i++) {
      p = fma(v128.load(left), v128.load(right), p);
      left = at(left, xStep);
      right = at(right, channels);
    }
    v128.store(target, f32x4.add(v128.load(target), p));
  }
  for (; c < channels; c++) {
    const target = at(total, c);
    let p: f32 = 0;
    let left = at(x, c);
    let right = at(dy, c);
    for (let i = 0; i < count; i++) {
      p += load<f32>(left) * load<f32>(right);
      left = at(left, xStep);
      right = at(right, channels);
    }
    store<f32>(target, load<f32>(target) + p);
  }
}

/** x[i, c] += dy[i, c] · filter[c] over `count` positions. */
function addScaled(x: usize, xStep: i32, dy: usize, channels: i32, count: i32, filter: usize): void {
  let c = 0;
  for (; c + 16 <= channels; c += 16) {
    const weights = at(filter, c);
    const p = v128.load(weights);
    const q = v128.load(weights, 16);
    const r = v128.load(weights, 32);
    const s = v128.load(weights, 48);
    let left = at(x, c);
    let right = at(dy, c);
    for (let i = 0; i < count; i++) {
      v128.store(left, fma(v128.load(right), p, v128.load(left)));
      v128.store(left, fma(v128.load(right, 16), q, v128.load(left, 16)), 16);
      v128.store(left, fma(v128.load(right, 32), r, v128.load(left, 32)), 32);
      v128.store(left, fma(v128.load(right, 48), s, v128.load(left, 48)), 48);
      left = at(left, xStep);
      right = at(right, channels);
    }
  }
  for (; c + 4 <= channels; c += 4) {
    const p = v128.load(at(filter, c));
    let left = at(x, c);
    let right = at(dy, c);
    for (let i = 0; i < count; i++) {
      v128.store(left, fma(v128.load(right), p, v128.load(left)));
      left = at(left, xStep);
      right = at(right, channels);
    }
  }
  for (; c < channels; c++) {
    const p = load<f32>(at(filter, c));
    let left = at(x, c);
    let right = at(dy, c);
    for (let i = 0; i < count; i++) {
      store<f32>(left, load<f32>(left) + load<f32>(right) * p);
      left = at(left, xStep);
      right = at(right, channels);
    }
  }
}

/**
 * One image of a depthwise convolution with a filter `[filterHeight, filterWidth, channels]`: adds to the gradient of its
 * filter (`toFilter`), or to that of its input `x`, which both start at zero.
 */
export function depthwiseGradient(
  toFilter: i32,
  x: usize,
  dy: usize,
  filter: usize,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
  dilationHeight: i32,
  dilationWidth: i32,
): void {
  const step = strideWidth * channels;
  for (let row = 0; row < outHeight; row++) {
    for (let r = 0; r < filterHeight; r++) {
      const y = row * strideHeight + r * dilationHeight - top;
      if (y < 0 || y >= height) continue;
      for (let c = 0; c < filterWidth; c++) {
        const offset = c * dilationWidth - left;
        const start = firstInside(offset, strideWidth);
        const count = endInside(offset, strideWidth, width, outWidth) - start;
        if (count <= 0) continue;
        const place = at(x, (y * width + start * strideWidth + offset) * channels);
        const slope = at(dy, (row * outWidth + start) * channels);
        const tap = at(filter, (r * filterWidth + c) * channels);
        if (toFilter) addProducts(place, step, slope, channels, count, tap);
        else addScaled(place, step, slope, channels, count, tap);
      }
    }
  }
}
