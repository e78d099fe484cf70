import { gemm, gemmFused } from './gemm.as';
import { addElements, copyElements } from './rows.as';
import { at } from './vector.as';

/** Copies windows into the rows of a matrix, or adds those rows back to where the windows were. */
@inline
function moveWindows(
  back: bool,
  x: usize,
  matrix: usize,
  first: i32,
  count: i32,
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
): void {
  const line = filterWidth * channels;
  let column = first % outWidth;
  let row = (first / outWidth) % outHeight;
  let image = at(x, (first / outWidth / outHeight) * height * width * channels);
  for (let i = 0; i < count; i++) {
    const start = column * strideWidth - left;
    // The part of the window between the borders, in elements of its line.
    const before = min(max(-start, 0), filterWidth) * channels;
    const after = max(min(width - start, filterWidth) * channels, before);
    for (let r = 0; r < filterHeight; r++) {
      const y = row * strideHeight - top + r;
      if (y >= 0 && y < height) {
        const place = at(image, (y * width + start) * channels + before);
        if (back) {
          addElements(at(matrix, before), place, after - before);
        } else {
          if (before > 0) memory.fill(matrix, 0, (<usize>before) << 2);
          copyElements(place, at(matrix, before), after - before);
          if (after < line) memory.fill(at(matrix, after), 0, (<usize>(line - after)) << 2);
        }
      } else if (!back) {
        memory.fill(matrix, 0, (<usize>line) << 2);
      }
      matrix = at(matrix, line);
    }
    if (++column == outWidth) {
      column = 0;
      if (++row == outHeight) {
        row = 0;
        image = at(image, height * width * channels);
      }
    }
  }
}

/** Whether the windows are the image's own pixels, one after another: along an axis, no padding at its end either. */
@inline
function isPointwise(filter: i32, stride: i32, padding: i32, size: i32, outSize: i32): bool {
  return filter == 1 && stride == 1 && padding == 0 && outSize == size;
}

/**
 * A convolution with the filter `[filterHeight, filterWidth, channels, outChannels]`, a bias (0: none) and an activation:
 * the windows of `x`, as the rows of a matrix, times the filter, `tile` positions at a time.
 */
export function conv(
  x: usize,
  filter: usize,
  out: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
  tile: i32,
  windows: usize,
  scratch: usize,
  bias: usize,
  activation: i32,
  alpha: f32,
  slopes: usize,
): void {
  const size = filterHeight * filterWidth * channels;
  const positions = batch * outHeight * outWidth;
  const pointwise =
    isPointwise(filterHeight, strideHeight, top, height, outHeight) &&
    isPointwise(filterWidth, strideWidth, left, width, outWidth);
  for (let first = 0; first < positions; first += tile) {
    const count = min(tile, positions - first);
    const matrix = pointwise ? at(x, first * channels) : windows;
    if (!pointwise) {
      moveWindows(
        false,
        x,
        windows,
        first,
        count,
        height,
        width,
        channels,
        outHeight,
        outWidth,
        filterHeight,
        filterWidth,
        strideHeight,
        strideWidth,
        top,
        left,
      );
    }
    const target = at(out, first * outChannels);
    gemmFused(
      matrix,
      size,
      1,
      filter,
      outChannels,
      1,
      target,
      outChannels,
      count,
      outChannels,
      size,
      bias,
      0,
      activation,
      alpha,
      slopes,
      scratch,
    );
  }
}

/**
 * Gradient of a convolution's filter `[filterHeight, filterWidth, channels, outChannels]`: the windows of `x`, as the
 * columns of a matrix, times `dy`, `tile` positions at a time.
 */
export function convFilterGradient(
  x: usize,
  dy: usize,
  out: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
  tile: i32,
  windows: usize,
  scratch: usize,
): void {
  const size = filterHeight * filterWidth * channels;
  const positions = batch * outHeight * outWidth;
  const pointwise =
    isPointwise(filterHeight, strideHeight, top, height, outHeight) &&
    isPointwise(filterWidth, strideWidth, left, width, outWidth);
  for (let first = 0; first < positions; first += tile) {
    const count = min(tile, positions - first);
    const matrix = pointwise ? at(x, first * channels) : windows;
    if (!pointwise) {
      moveWindows(
        false,
        x,
        windows,
        first,
        count,
        height,
        width,
        channels,
        outHeight,
        outWidth,
        filterHeight,
        filterWidth,
        strideHeight,
        strideWidth,
        top,
        left,
      );
    }
    const slope = at(dy, first * outChannels);
    const more = first > 0 ? 1 : 0;
    gemm(matrix, 1, size, slope, outChannels, 1, out, outChannels, size, outChannels, count, more, scratch);
  }
}

/** Gradient of a convolution's input: `dy` times the transposed filter is a matrix of windows, which are added up. */
export function convInputGradient(
  dy: usize,
  filter: usize,
  out: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
  tile: i32,
  windows: usize,
  scratch: usize,
): void {
  const size = filterHeight * filterWidth * channels;
  const positions = batch * outHeight * outWidth;
  const pointwise =
    isPointwise(filterHeight, strideHeight, top, height, outHeight) &&
    isPointwise(filterWidth, strideWidth, left, width, outWidth);
  if (!pointwise) memory.fill(out, 0, (<usize>(batch * height * width * channels)) << 2);
  for (let first = 0; first < positions; first += tile) {
    const count = min(tile, positions - first);
    const matrix = pointwise ? at(out, first * channels) : windows;
    const slope = at(dy, first * outChannels);
    gemm(slope, outChannels, 1, filter, 1, outChannels, matrix, size, count, size, outChannels, 0, scratch);
    if (!pointwise) {
      moveWindows(
        true,
        out,
        windows,
        first,
        count,
        height,
        width,
        channels,
        outHeight,
        outWidth,
        filterHeight,
        filterWidth,
        strideHeight,
        strideWidth,
        top,
        left,
      );
    }
  }
}
