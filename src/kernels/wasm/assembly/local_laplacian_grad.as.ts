import {
  bordersAt,
  bufferRow,
  bufferStride,
  clearBlock,
  gaussianBlock,
  planeAt,
  prepareWork,
  shrinkAll,
  shrinkLevel,
  sizeAt,
  strideAt,
} from './llf_work.as';
import { addTo, raiseRow, scaleRow, shareOf } from './local_laplacian.as';
import { DOWN, DOWN_ADJOINT, shrinkColumns, shrinkRow, spreadColumns, spreadRow, UP_ADJOINT } from './pyramid.as';
import { remapRow, remapRowGrad } from './remap.as';
import { loadSome, storeSome } from './tail.as';
import { at, fma, sumLanes } from './vector.as';

/** Blocks of planes: levels of the image and their gradients, levels of one remapped image and theirs; of the output, theirs. */
@inline const GAUSSIAN: i32 = 0;
@inline const D_OUTPUT: i32 = 1;
@inline const D_GAUSSIAN: i32 = 2;
@inline const REMAPPED: i32 = 3;
@inline const D_REMAPPED: i32 = 4;

/**
 * The gradients of the fast local Laplacian filter for the gradient `dy` of its output, in a work area of five blocks:
 * `dx` of the image; sums of those of the parameters, as in `remapRowGrad`, added to `sums`; that of the gain, added to the
 * float64 `dgain`. The remapped images are made again, one at a time.
 */
export function localLaplacianGrad(
  image: usize,
  dy: usize,
  dx: usize,
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
  clearBlock(work, h, w, levels, D_GAUSSIAN);
  memory.fill(dx, 0, (<usize>(h * w)) << 2);
  const last = <f32>(samples - 1);
  const scale = last / (high - low);
  for (let k = 0; k < samples && from < to; k++) {
    const sample = <f32>(<f64>low + ((<f64>high - <f64>low) * <f64>k) / <f64>(samples - 1));
    clearBlock(work, h, w, levels, D_REMAPPED);
    finest(image, dy, dx, work, h, w, levels, kind, low, high, scale, last, <f32>k, from, remap, a, b, c, nodes, sample);
    for (let l = 1; l < to; l++) coarser(work, h, w, levels, kind, low, scale, last, <f32>k, from, l);
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
  for (let y = 0; y < sizeAt(h, levels - 1); y++) {
    const columns = sizeAt(w, levels - 1);
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
export function finishRemapGrad(sums: usize, sigma: usize, alpha: usize, da: usize, db: usize, dc: usize): void {
  store<f32>(da, <f32>((load<f64>(sums) * <f64>load<f32>(alpha)) / <f64>load<f32>(sigma)));
  store<f32>(db, <f32>load<f64>(sums, 8));
  store<f32>(dc, <f32>load<f64>(sums, 16));
}

/** Writes a sum as a float32. */
export function finishSum(sum: usize, out: usize): void {
  store<f32>(out, <f32>load<f64>(sum));
}

/** Level 0 of one remapped image: what local means there gain (to dx), level 1, and the gradient of that from level 0. */
function finest(
  image: usize,
  dy: usize,
  dx: usize,
  work: usize,
  h: i32,
  w: i32,
  levels: i32,
  kind: i32,
  low: f32,
  high: f32,
  scale: f32,
  last: f32,
  k: f32,
  from: i32,
  remap: i32,
  a: usize,
  b: usize,
  c: usize,
  nodes: i32,
  sample: f32,
): void {
  const first = planeAt(work, h, w, levels, REMAPPED, 1);
  const dFirst = planeAt(work, h, w, levels, D_REMAPPED, 1);
  const borders = bordersAt(work, w, 0);
  const v = bufferRow(work, w, 16);
  const next = strideAt(w, 1);
  const half = (h + 1) >> 1;
  let done = 0;
  for (let r = 0; r <= half; r++) {
    if (r < half) {
      for (; done < min<i32>(2 * r + 3, h); done++) {
        const pixels = at(image, done * w);
        remapRow(remap, a, b, c, nodes, high - low, pixels, sample, bufferRow(work, w, done & 7), w);
        if (from > 0) continue;
        const shares = bufferRow(work, w, 8 + (done & 7));
        memory.fill(shares, 0, (<usize>w) << 2);
        addShares(pixels, at(dy, done * w), shares, w, low, scale, last, k);
      }
      shrinkColumns(DOWN, kind, bufferRow(work, w, 0), bufferStride(w), 7, h, r, v, w);
      shrinkRow(borders, DOWN, kind, v, at(first, r * next), (w + 1) >> 1);
      if (from == 0) {
        shrinkColumns(UP_ADJOINT, kind, bufferRow(work, w, 8), bufferStride(w), 7, h, r, v, w);
        shrinkRow(borders, UP_ADJOINT, kind, v, at(dFirst, r * next), (w + 1) >> 1);
        scaleRow(at(dFirst, r * next), at(dFirst, r * next), next, -1);
      }
    }
    if (from > 0) continue;
    for (let y = max<i32>(2 * r - 2, 0); y < min<i32>(2 * r, h); y++) {
      const raised = raiseRow(kind, work, h, w, 0, first, y);
      const place = y * w;
      const row = bufferRow(work, w, y & 7);
      addRises(at(image, place), row, raised, at(dy, place), at(dx, place), w, low, scale, last, k);
    }
  }
}

/** The same at level l, which is a plane. */
function coarser(
  work: usize,
  h: i32,
  w: i32,
  levels: i32,
  kind: i32,
  low: f32,
  scale: f32,
  last: f32,
  k: f32,
  from: i32,
  l: i32,
): void {
  const plane = planeAt(work, h, w, levels, REMAPPED, l);
  const coarse = planeAt(work, h, w, levels, REMAPPED, l + 1);
  const stride = strideAt(w, l);
  shrinkLevel(DOWN, kind, work, h, w, l, plane, stride, coarse);
  if (l < from) return;
  const means = planeAt(work, h, w, levels, GAUSSIAN, l);
  const dMeans = planeAt(work, h, w, levels, D_GAUSSIAN, l);
  const dOutput = planeAt(work, h, w, levels, D_OUTPUT, l);
  const dPlane = planeAt(work, h, w, levels, D_REMAPPED, l);
  const dCoarse = planeAt(work, h, w, levels, D_REMAPPED, l + 1);
  const rows = sizeAt(h, l);
  const columns = sizeAt(w, l);
  const next = strideAt(w, l + 1);
  const v = bufferRow(work, w, 16);
  let done = 0;
  for (let r = 0; r < (rows + 1) >> 1; r++) {
    for (; done < min<i32>(2 * r + 3, rows); done++) {
      const place = done * stride;
      const raised = raiseRow(kind, work, h, w, l, coarse, done);
      addRises(at(means, place), at(plane, place), raised, at(dOutput, place), at(dMeans, place), columns, low, scale, last, k);
      const shares = bufferRow(work, w, 8 + (done & 7));
      memory.fill(shares, 0, (<usize>columns) << 2);
      addShares(at(means, place), at(dOutput, place), shares, columns, low, scale, last, k);
      addTo(at(dPlane, place), shares, columns);
    }
    shrinkColumns(UP_ADJOINT, kind, bufferRow(work, w, 8), bufferStride(w), 7, rows, r, v, columns);
    shrinkRow(bordersAt(work, w, l), UP_ADJOINT, kind, v, at(dCoarse, r * next), (columns + 1) >> 1);
    scaleRow(at(dCoarse, r * next), at(dCoarse, r * next), next, -1);
  }
}

/** Row y of a level: the adjoint of halving, of the next level. */
function lowerRow(kind: i32, work: usize, h: i32, w: i32, level: i32, coarse: usize, y: i32): usize {
  const columns = sizeAt(w, level);
  const u = bufferRow(work, w, 17);
  const row = bufferRow(work, w, 18);
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

/** sum += the products of two rows. */
function addProducts(x: usize, y: usize, count: i32, sum: usize): void {
  let total = f32x4.splat(0);
  for (let i = 0; i < count; i += 4) {
    total = fma(loadSome(at(x, i), count - i), loadSome(at(y, i), count - i), total);
  }
  store<f64>(sum, load<f64>(sum) + <f64>sumLanes(total));
}

/** row += share · dy. */
function addShares(mean: usize, dy: usize, row: usize, count: i32, low: f32, scale: f32, last: f32, k: f32): void {
  const lows = f32x4.splat(low);
  const scales = f32x4.splat(scale);
  const lasts = f32x4.splat(last);
  const ks = f32x4.splat(k);
  for (let i = 0; i < count; i += 4) {
    const rest = count - i;
    const share = shareOf(loadSome(at(mean, i), rest), lows, scales, lasts, ks);
    v128.store(at(row, i), fma(share, loadSome(at(dy, i), rest), v128.load(at(row, i))));
  }
}

/**
 * dmean += rise of the output by the local mean: (row − raised) · dy times the slope of the share from the right, which is
 * −scale in the cell above the sample, scale in the one below, and 0 beyond the range.
 */
function addRises(
  mean: usize,
  row: usize,
  raised: usize,
  dy: usize,
  dmean: usize,
  count: i32,
  low: f32,
  scale: f32,
  last: f32,
  k: f32,
): void {
  const lows = f32x4.splat(low);
  const scales = f32x4.splat(scale);
  const lasts = f32x4.splat(last);
  const here = f32x4.splat(k);
  const below = f32x4.splat(k - 1);
  for (let i = 0; i < count; i += 4) {
    const rest = count - i;
    const place = f32x4.mul(f32x4.sub(loadSome(at(mean, i), rest), lows), scales);
    const inside = v128.and(f32x4.ge(place, f32x4.splat(0)), f32x4.lt(place, lasts));
    const cell = f32x4.floor(place);
    const slope = f32x4.sub(v128.and(f32x4.eq(cell, below), scales), v128.and(f32x4.eq(cell, here), scales));
    const difference = f32x4.sub(v128.load(at(row, i)), v128.load(at(raised, i)));
    const rise = v128.and(inside, f32x4.mul(f32x4.mul(slope, difference), loadSome(at(dy, i), rest)));
    storeSome(at(dmean, i), f32x4.add(loadSome(at(dmean, i), rest), rise), rest);
  }
}
