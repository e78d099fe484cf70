import {
  bordersAt,
  bufferRow,
  bufferStride,
  clearBlock,
  gaussianBlock,
  planeAt,
  prepareWork,
  risesAt,
  shrinkAll,
  sizeAt,
  strideAt,
} from './llf_work.as';
import { addTo, scaleRow, shareOf } from './local_laplacian.as';
import { DOWN_ADJOINT, shrinkColumns, shrinkRow, spreadColumns, spreadRow, UP_ADJOINT } from './pyramid.as';
import { GAUSS, remapRowGrad } from './remap.as';
import { loadSome } from './tail.as';
import { at, fma, sumLanes } from './vector.as';

/** Blocks of planes: Gaussian levels of the image; gradients of the levels of the output, of the image, of a remapped image. */
@inline const GAUSSIAN: i32 = 0;
@inline const D_OUTPUT: i32 = 1;
@inline const D_GAUSSIAN: i32 = 2;
@inline const D_REMAPPED: i32 = 3;

/**
 * The gradients of the fast local Laplacian filter for the gradient `dy` of its output, in a work area of four blocks:
 * `dx` of the image; sums of those of the parameters, as in `remapRowGrad`, added to `sums`; that of the gain, added to the
 * float64 `dgain`. What the output gains with the local means is in `rises`, from the forward pass.
 */
export function localLaplacianGrad(
  image: usize,
  dy: usize,
  dx: usize,
  rises: usize,
  sums: usize,
  dgain: usize,
  work: usize,
  h: i32,
  w: i32,
  levels: i32,
  kind: i32,
  samples: i32,
  low: f32,
  high: f32,
  from: i32,
  to: i32,
  remap: i32,
  a: usize,
  b: usize,
  c: usize,
  nodes: i32,
  gain: usize,
): void {
  if (levels == 1) {
    scaleRow(dy, dx, h * w, load<f32>(gain));
    addProducts(image, dy, h * w, dgain);
    return;
  }
  prepareWork(work, w, levels, kind);
  gaussianBlock(kind, work, h, w, levels, GAUSSIAN, image);
  shrinkAll(UP_ADJOINT, kind, work, h, w, levels, D_OUTPUT, dy);
  multiplyRows(rises, dy, dx, h * w);
  for (let l = 1; l + 1 < levels; l++) {
    const target = planeAt(work, h, w, levels, D_GAUSSIAN, l);
    const output = planeAt(work, h, w, levels, D_OUTPUT, l);
    multiplyRows(risesAt(rises, h, w, l), output, target, sizeAt(h, l) * strideAt(w, l));
  }
  const last = <f32>(samples - 1);
  const scale = last / (high - low);
  for (let k = 0; k < samples && from < to; k++) {
    const sample = <f32>(<f64>low + ((<f64>high - <f64>low) * <f64>k) / <f64>(samples - 1));
    clearBlock(work, h, w, levels, D_REMAPPED);
    for (let l = from; l < to; l++) shareLevel(image, dy, work, h, w, levels, kind, low, scale, last, <f32>k, l);
    for (let l = to - 1; l > 0; l--) {
      const coarse = planeAt(work, h, w, levels, D_REMAPPED, l + 1);
      lowerLevel(kind, work, h, w, l, coarse, planeAt(work, h, w, levels, D_REMAPPED, l), strideAt(w, l));
    }
    const first = planeAt(work, h, w, levels, D_REMAPPED, 1);
    for (let y = 0; y < h; y++) {
      const row = lowerRow(kind, work, h, w, 0, first, y);
      const pixels = at(image, y * w);
      if (from == 0) addShares(pixels, at(dy, y * w), row, w, low, scale, last, <f32>k);
      remapRowGrad(remap, a, b, c, nodes, high - low, pixels, sample, row, at(dx, y * w), w, sums);
    }
  }
  const residual = planeAt(work, h, w, levels, D_OUTPUT, levels - 1);
  const top = planeAt(work, h, w, levels, D_GAUSSIAN, levels - 1);
  const stride = strideAt(w, levels - 1);
  const columns = sizeAt(w, levels - 1);
  for (let y = 0; y < sizeAt(h, levels - 1); y++) {
    const mean = at(planeAt(work, h, w, levels, GAUSSIAN, levels - 1), y * stride);
    addProducts(mean, at(residual, y * stride), columns, dgain);
    scaleRow(at(residual, y * stride), at(top, y * stride), columns, load<f32>(gain));
  }
  for (let l = levels - 2; l >= 0; l--) {
    const coarse = planeAt(work, h, w, levels, D_GAUSSIAN, l + 1);
    const fine = l > 0 ? planeAt(work, h, w, levels, D_GAUSSIAN, l) : dx;
    lowerLevel(kind, work, h, w, l, coarse, fine, l > 0 ? strideAt(w, l) : w);
  }
}

/** Writes the gradients of sigma, alpha and beta from their sums. */
export function finishRemapGrad(
  remap: i32,
  sums: usize,
  sigma: usize,
  alpha: usize,
  da: usize,
  db: usize,
  dc: usize,
): void {
  const factor = remap == GAUSS ? <f64>load<f32>(alpha) / <f64>load<f32>(sigma) : 1;
  store<f32>(da, <f32>(load<f64>(sums) * factor));
  store<f32>(db, <f32>load<f64>(sums, 8));
  store<f32>(dc, <f32>load<f64>(sums, 16));
}

/** Writes a sum as a float32. */
export function finishSum(sum: usize, out: usize): void {
  store<f32>(out, <f32>load<f64>(sum));
}

/** What a level of the output gives that of the remapped image, and takes from its next level. */
function shareLevel(
  image: usize,
  dy: usize,
  work: usize,
  h: i32,
  w: i32,
  levels: i32,
  kind: i32,
  low: f32,
  scale: f32,
  last: f32,
  k: f32,
  l: i32,
): void {
  const means = l > 0 ? planeAt(work, h, w, levels, GAUSSIAN, l) : image;
  const dOutput = l > 0 ? planeAt(work, h, w, levels, D_OUTPUT, l) : dy;
  const stride = l > 0 ? strideAt(w, l) : w;
  const dPlane = planeAt(work, h, w, levels, D_REMAPPED, l);
  const dCoarse = planeAt(work, h, w, levels, D_REMAPPED, l + 1);
  const rows = sizeAt(h, l);
  const columns = sizeAt(w, l);
  const next = strideAt(w, l + 1);
  const v = bufferRow(work, w, 8);
  let done = 0;
  for (let r = 0; r < (rows + 1) >> 1; r++) {
    for (; done < min<i32>(2 * r + 3, rows); done++) {
      const place = done * stride;
      const shares = bufferRow(work, w, done & 7);
      writeShares(at(means, place), at(dOutput, place), shares, columns, low, scale, last, k);
      // Level 0 is added when its rows are made.
      if (l > 0) subtractFrom(at(dPlane, place), shares, columns);
    }
    shrinkColumns(UP_ADJOINT, kind, bufferRow(work, w, 0), bufferStride(w), 7, rows, r, v, columns);
    shrinkRow(bordersAt(work, w, l), UP_ADJOINT, kind, v, at(dCoarse, r * next), (columns + 1) >> 1);
  }
}

/** Row y of a level: the adjoint of halving, of the next level. */
function lowerRow(kind: i32, work: usize, h: i32, w: i32, level: i32, coarse: usize, y: i32): usize {
  const columns = sizeAt(w, level);
  const u = bufferRow(work, w, 9);
  const row = bufferRow(work, w, 10);
  spreadColumns(DOWN_ADJOINT, kind, coarse, strideAt(w, level + 1), sizeAt(h, level), y, u, (columns + 1) >> 1);
  spreadRow(bordersAt(work, w, level), DOWN_ADJOINT, kind, u, row, columns);
  return row;
}

/** Adds the adjoint of halving to a level. */
function lowerLevel(kind: i32, work: usize, h: i32, w: i32, level: i32, coarse: usize, fine: usize, stride: i32): void {
  const columns = sizeAt(w, level);
  for (let y = 0; y < sizeAt(h, level); y++) {
    addTo(at(fine, y * stride), lowerRow(kind, work, h, w, level, coarse, y), columns);
  }
}

/** target = x · y. */
function multiplyRows(x: usize, y: usize, target: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) v128.store(at(target, i), f32x4.mul(v128.load(at(x, i)), v128.load(at(y, i))));
  for (; i < count; i++) store<f32>(at(target, i), load<f32>(at(x, i)) * load<f32>(at(y, i)));
}

/** sum += the products of two rows. */
function addProducts(x: usize, y: usize, count: i32, sum: usize): void {
  let total = f32x4.splat(0);
  for (let i = 0; i < count; i += 4) {
    total = fma(loadSome(at(x, i), count - i), loadSome(at(y, i), count - i), total);
  }
  store<f64>(sum, load<f64>(sum) + <f64>sumLanes(total));
}

/** row = −share · dy: what the next level gets, with its sign. */
function writeShares(mean: usize, dy: usize, row: usize, count: i32, low: f32, scale: f32, last: f32, k: f32): void {
  const lows = f32x4.splat(low);
  const scales = f32x4.splat(scale);
  const lasts = f32x4.splat(last);
  const ks = f32x4.splat(k);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const share = shareOf(v128.load(at(mean, i)), lows, scales, lasts, ks);
    v128.store(at(row, i), f32x4.neg(f32x4.mul(share, v128.load(at(dy, i)))));
  }
  if (i < count) {
    const share = shareOf(loadSome(at(mean, i), count - i), lows, scales, lasts, ks);
    v128.store(at(row, i), f32x4.neg(f32x4.mul(share, loadSome(at(dy, i), count - i))));
  }
}

/** row += share · dy. */
function addShares(mean: usize, dy: usize, row: usize, count: i32, low: f32, scale: f32, last: f32, k: f32): void {
  const lows = f32x4.splat(low);
  const scales = f32x4.splat(scale);
  const lasts = f32x4.splat(last);
  const ks = f32x4.splat(k);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const share = shareOf(v128.load(at(mean, i)), lows, scales, lasts, ks);
    v128.store(at(row, i), fma(share, v128.load(at(dy, i)), v128.load(at(row, i))));
  }
  if (i < count) {
    const share = shareOf(loadSome(at(mean, i), count - i), lows, scales, lasts, ks);
    v128.store(at(row, i), fma(share, loadSome(at(dy, i), count - i), v128.load(at(row, i))));
  }
}

/** target −= row. */
function subtractFrom(target: usize, row: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) {
    v128.store(at(target, i), f32x4.sub(v128.load(at(target, i)), v128.load(at(row, i))));
  }
}
