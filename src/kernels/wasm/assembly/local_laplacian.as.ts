import {
  bordersAt,
  bufferRow,
  bufferStride,
  clearBlock,
  gaussianBlock,
  planeAt,
  prepareWork,
  risesAt,
  risesFloats,
  shrinkLevel,
  sizeAt,
  strideAt,
} from './llf_work.as';
import { DOWN, shrinkColumns, shrinkRow, spreadColumns, spreadRow, UP } from './pyramid.as';
import { remapRow } from './remap.as';
import { loadSome, storeSome } from './tail.as';
import { at, fma } from './vector.as';

/** Blocks of planes: the Gaussian levels of the image, the levels of the output, and those of one remapped image. */
@inline const GAUSSIAN: i32 = 0;
@inline const OUTPUT: i32 = 1;
@inline const REMAPPED: i32 = 2;

/**
 * The fast local Laplacian filter of an image `[h, w]`, in a work area of three blocks: for each sample of the local mean
 * the image is remapped, and its Laplacian levels `[from, to)` are added where the local mean is near the sample. Level 0 of
 * a remapped image never exists as a whole: its rows pass through a ring of eight. For a gradient that will follow it also
 * sums up, if `rises` is not 0, by how much the output rises with the local mean.
 */
export function localLaplacian(
  image: usize,
  out: usize,
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
  rises: usize,
): void {
  if (rises) memory.fill(rises, 0, (<usize>risesFloats(h, w, levels)) << 2);
  if (levels == 1) {
    scaleRow(image, out, h * w, load<f32>(gain));
    return;
  }
  prepareWork(work, w, levels, kind);
  gaussianBlock(kind, work, h, w, levels, GAUSSIAN, image);
  clearBlock(work, h, w, levels, OUTPUT);
  memory.fill(out, 0, (<usize>(h * w)) << 2);
  const scale = <f32>(samples - 1) / (high - low);
  for (let k = 0; k < samples && from < to; k++) {
    const sample = <f32>(<f64>low + ((<f64>high - <f64>low) * <f64>k) / <f64>(samples - 1));
    // Level 0: as soon as five remapped rows are there, a row of level 1 is, and with it two rows of differences.
    const ring = bufferRow(work, w, 0);
    const first = planeAt(work, h, w, levels, REMAPPED, 1);
    const next = strideAt(w, 1);
    const half = (h + 1) >> 1;
    let done = 0;
    for (let r = 0; r <= half; r++) {
      if (r < half) {
        for (; done < min<i32>(2 * r + 3, h); done++) {
          const row = bufferRow(work, w, done & 7);
          remapRow(remap, a, b, c, nodes, high - low, at(image, done * w), sample, row, w);
        }
        shrinkColumns(DOWN, kind, ring, bufferStride(w), 7, h, r, bufferRow(work, w, 8), w);
        shrinkRow(bordersAt(work, w, 0), DOWN, kind, bufferRow(work, w, 8), at(first, r * next), (w + 1) >> 1);
      }
      if (from > 0) continue;
      for (let y = max<i32>(2 * r - 2, 0); y < min<i32>(2 * r, h); y++) {
        const raised = raiseRow(kind, work, h, w, 0, first, y);
        const row = bufferRow(work, w, y & 7);
        const mean = at(image, y * w);
        const sums = at(out, y * w);
        if (rises) addBoth(mean, row, raised, sums, at(rises, y * w), w, low, scale, <f32>(samples - 1), <f32>k);
        else addRow(mean, row, raised, sums, w, low, scale, <f32>(samples - 1), <f32>k);
      }
    }
    for (let l = 1; l < to; l++) {
      const plane = planeAt(work, h, w, levels, REMAPPED, l);
      const coarse = planeAt(work, h, w, levels, REMAPPED, l + 1);
      shrinkLevel(DOWN, kind, work, h, w, l, plane, strideAt(w, l), coarse);
      if (l < from) continue;
      const means = planeAt(work, h, w, levels, GAUSSIAN, l);
      const sums = planeAt(work, h, w, levels, OUTPUT, l);
      const columns = sizeAt(w, l);
      for (let y = 0; y < sizeAt(h, l); y++) {
        const raised = raiseRow(kind, work, h, w, l, coarse, y);
        const place = y * strideAt(w, l);
        const mean = at(means, place);
        const row = at(plane, place);
        const rise = at(risesAt(rises, h, w, l), place);
        const sum = at(sums, place);
        if (rises) addBoth(mean, row, raised, sum, rise, columns, low, scale, <f32>(samples - 1), <f32>k);
        else addRow(mean, row, raised, sum, columns, low, scale, <f32>(samples - 1), <f32>k);
      }
    }
  }
  const top = planeAt(work, h, w, levels, GAUSSIAN, levels - 1);
  const residual = planeAt(work, h, w, levels, OUTPUT, levels - 1);
  scaleRow(top, residual, sizeAt(h, levels - 1) * strideAt(w, levels - 1), load<f32>(gain));
  for (let l = levels - 2; l >= 0; l--) {
    const coarse = planeAt(work, h, w, levels, OUTPUT, l + 1);
    const fine = l > 0 ? planeAt(work, h, w, levels, OUTPUT, l) : out;
    const stride = l > 0 ? strideAt(w, l) : w;
    for (let y = 0; y < sizeAt(h, l); y++) addTo(at(fine, y * stride), raiseRow(kind, work, h, w, l, coarse, y), sizeAt(w, l));
  }
}

/** Row y of a level, made of the next level. */
export function raiseRow(kind: i32, work: usize, h: i32, w: i32, level: i32, coarse: usize, y: i32): usize {
  const columns = sizeAt(w, level);
  const u = bufferRow(work, w, 9);
  const row = bufferRow(work, w, 10);
  spreadColumns(UP, kind, coarse, strideAt(w, level + 1), sizeAt(h, level), y, u, (columns + 1) >> 1);
  spreadRow(bordersAt(work, w, level), UP, kind, u, row, columns);
  return row;
}

/** target = factor · source. */
export function scaleRow(source: usize, target: usize, count: i32, factor: f32): void {
  const f = f32x4.splat(factor);
  for (let i = 0; i < count; i += 4) {
    storeSome(at(target, i), f32x4.mul(loadSome(at(source, i), count - i), f), count - i);
  }
}

/** target += row. */
export function addTo(target: usize, row: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) v128.store(at(target, i), f32x4.add(v128.load(at(target, i)), v128.load(at(row, i))));
  if (i < count) {
    const place = at(target, i);
    storeSome(place, f32x4.add(loadSome(place, count - i), v128.load(at(row, i))), count - i);
  }
}

/** The share of sample k at local means: 1 on it, falling to 0 on its neighbours. */
@inline
export function shareOf(mean: v128, low: v128, scale: v128, last: v128, k: v128): v128 {
  const place = f32x4.pmin(f32x4.pmax(f32x4.mul(f32x4.sub(mean, low), scale), f32x4.splat(0)), last);
  return f32x4.pmax(f32x4.sub(f32x4.splat(1), f32x4.abs(f32x4.sub(place, k))), f32x4.splat(0));
}

/** out += share · (row − raised). */
function addRow(
  mean: usize,
  row: usize,
  raised: usize,
  out: usize,
  count: i32,
  low: f32,
  scale: f32,
  last: f32,
  k: f32,
): void {
  const lows = f32x4.splat(low);
  const scales = f32x4.splat(scale);
  const lasts = f32x4.splat(last);
  const ks = f32x4.splat(k);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const share = shareOf(v128.load(at(mean, i)), lows, scales, lasts, ks);
    const difference = f32x4.sub(v128.load(at(row, i)), v128.load(at(raised, i)));
    v128.store(at(out, i), fma(share, difference, v128.load(at(out, i))));
  }
  if (i < count) {
    const rest = count - i;
    const share = shareOf(loadSome(at(mean, i), rest), lows, scales, lasts, ks);
    const difference = f32x4.sub(v128.load(at(row, i)), v128.load(at(raised, i)));
    storeSome(at(out, i), fma(share, difference, loadSome(at(out, i), rest)), rest);
  }
}

/**
 * out += share · (row − raised), and rise += slope · (row − raised) with the slope of the share from the right: −scale in
 * the cell above the sample, scale in the one below, 0 beyond the range.
 */
function addBoth(
  mean: usize,
  row: usize,
  raised: usize,
  out: usize,
  rise: usize,
  count: i32,
  low: f32,
  scale: f32,
  last: f32,
  k: f32,
): void {
  const lows = f32x4.splat(low);
  const scales = f32x4.splat(scale);
  const lasts = f32x4.splat(last);
  const ks = f32x4.splat(k);
  for (let i = 0; i < count; i += 4) {
    const rest = count - i;
    const place = f32x4.mul(f32x4.sub(rest >= 4 ? v128.load(at(mean, i)) : loadSome(at(mean, i), rest), lows), scales);
    const difference = f32x4.sub(v128.load(at(row, i)), v128.load(at(raised, i)));
    const inside = f32x4.pmin(f32x4.pmax(place, f32x4.splat(0)), lasts);
    const share = f32x4.pmax(f32x4.sub(f32x4.splat(1), f32x4.abs(f32x4.sub(inside, ks))), f32x4.splat(0));
    const slope = slopeOf(place, scales, lasts, ks, f32x4.splat(k - 1));
    if (rest >= 4) {
      v128.store(at(out, i), fma(share, difference, v128.load(at(out, i))));
      v128.store(at(rise, i), fma(slope, difference, v128.load(at(rise, i))));
    } else {
      storeSome(at(out, i), fma(share, difference, loadSome(at(out, i), rest)), rest);
      storeSome(at(rise, i), fma(slope, difference, loadSome(at(rise, i), rest)), rest);
    }
  }
}

@inline
function slopeOf(place: v128, scale: v128, last: v128, here: v128, below: v128): v128 {
  const inside = v128.and(f32x4.ge(place, f32x4.splat(0)), f32x4.lt(place, last));
  const cell = f32x4.floor(place);
  const slope = f32x4.sub(v128.and(f32x4.eq(cell, below), scale), v128.and(f32x4.eq(cell, here), scale));
  return v128.and(inside, slope);
}
