import { expOrZero, fourShares } from './exp.as';
import { packBlock } from './gemm_pack.as';
import { ROWS, tile } from './gemm_tile.as';
import { at } from './vector.as';

/**
 * What attention is made of. A matrix that is multiplied from the left is packed in panels of {@link ROWS} rows; all others
 * are blocks `[k, 8]`, eight queries (or keys) side by side: their softmax needs no sum across a vector, and is read as it
 * was written.
 */

/** Sums run over at most this many products before they are added up. */
@inline
const K_BLOCK: i32 = 256;

@inline
export function roundUp(size: i32, step: i32): i32 {
  return ((size + step - 1) / step) * step;
}

/** Packs `rows` rows, `stride` floats apart (`kStride` along k), in panels `[k, ROWS]`. */
export function packPanels(source: usize, stride: i32, kStride: i32, rows: i32, k: i32, target: usize): void {
  packBlock(source, stride, kStride, rows, k, target, ROWS);
}

/** Packs `rows` rows, `stride` floats apart and contiguous along k, in blocks `[k, 8]`. */
export function packBlocks(source: usize, stride: i32, rows: i32, k: i32, target: usize): void {
  packBlock(source, stride, 1, rows, k, target, 8);
}

/** Multiplies blocks of `size` floats by eight factors. */
export function scaleBlocks(blocks: usize, size: i32, factors: usize): void {
  const left = v128.load(factors);
  const right = v128.load(factors, 16);
  for (let i = 0; i < size; i += 8) {
    const place = at(blocks, i);
    v128.store(place, f32x4.mul(v128.load(place), left));
    v128.store(place, f32x4.mul(v128.load(place, 16), right), 16);
  }
}

/** Eight times a value, as factors. */
export function splatEight(target: usize, value: f32): usize {
  v128.store(target, f32x4.splat(value));
  v128.store(target, f32x4.splat(value), 16);
  return target;
}

/** For each of `groups` blocks: c[m, 8] = a[m, k] · b[k, 8]. A panel of a stays in L1 while the blocks pass by. */
export function products(a: usize, m: i32, k: i32, b: usize, c: usize, cGroup: i32, groups: i32): void {
  for (let i = 0; i < m; i += ROWS) {
    for (let g = 0; g < groups; g++) {
      const target = at(c, g * cGroup + i * 8);
      for (let p = 0; p < k; p += K_BLOCK) {
        const end = at(a, min(k, p + K_BLOCK) * ROWS);
        tile(at(a, p * ROWS), end, at(b, (g * k + p) * 8), 32, target, 32, p ? target : 0, 32);
      }
    }
    a = at(a, ROWS * k);
  }
}

/** c[m, 8] (+)= a[m, k] · b[k, 8], for a short k; panels of a are `aPanel` floats apart. */
export function combine(a: usize, aPanel: i32, m: i32, k: i32, b: usize, c: usize, accumulate: bool): void {
  for (let i = 0; i < m; i += ROWS) {
    tile(a, at(a, k * ROWS), b, 32, c, 32, accumulate ? c : 0, 32);
    a = at(a, aPanel);
    c = at(c, ROWS * 8);
  }
}

/** Adds the bias of each key to the logits `[keys, 8]` of eight queries. */
export function addBias(logits: usize, bias: usize, keys: i32): void {
  for (let j = 0; j < keys; j++) {
    const place = at(logits, j * 8);
    const one = v128.load32_splat(at(bias, j));
    v128.store(place, f32x4.add(v128.load(place), one));
    v128.store(place, f32x4.add(v128.load(place, 16), one), 16);
  }
}

/**
 * exp(logits - highest) in place, of eight queries and some of their keys. `found` holds three times eight numbers: the
 * highest logit so far, Σ exp(logit - highest), and the factor of all that was summed with the highest of before.
 */
export function exponentials(logits: usize, keys: i32, found: usize, first: bool): void {
  for (let half = 0; half < 2; half++) halfExponentials(logits + (half << 4), keys, found + (half << 4), first);
}

@inline
function halfExponentials(logits: usize, keys: i32, found: usize, first: bool): void {
  const end = at(logits, keys * 8);
  // Not -infinity: its difference to itself is no number, and keys may be masked by it.
  const before = first ? f32x4.splat(-3e38) : v128.load(found);
  let highest = before;
  for (let place = logits; place != end; place += 32) highest = f32x4.pmax(highest, v128.load(place));
  let sum = f32x4.splat(0);
  const fours = at(logits, (keys & ~3) * 8);
  let place = logits;
  for (; place != fours; place += 128) sum = f32x4.add(sum, fourShares(place, place, 32, highest, -64));
  for (; place != end; place += 32) {
    const y = expOrZero(f32x4.sub(v128.load(place), highest));
    sum = f32x4.add(sum, y);
    v128.store(place, y);
  }
  if (!first) {
    const factor = expOrZero(f32x4.sub(before, highest));
    sum = f32x4.add(sum, f32x4.mul(v128.load(found, 32), factor));
    v128.store(found, factor, 64);
  }
  v128.store(found, highest);
  v128.store(found, sum, 32);
}

/**
 * From logits and gradients of the shares of eight queries, both `[keys, 8]`: the shares and the gradients of the logits,
 * in place. `known` holds three times eight numbers: the highest logit, 1 / Σ exp(logit - highest), and Σ share · gradient.
 */
export function shareGradients(logits: usize, gradients: usize, keys: i32, known: usize): void {
  for (let half = 0; half < 2; half++) {
    halfShareGradients(logits + (half << 4), gradients + (half << 4), keys, known + (half << 4));
  }
}

@inline
function fourGradients(shares: usize, gradients: usize, scale: v128, mean: v128): usize {
  const end = gradients + 128;
  while (gradients != end) {
    const y = f32x4.mul(v128.load(shares), scale);
    v128.store(shares, y);
    v128.store(gradients, f32x4.mul(y, f32x4.sub(v128.load(gradients), mean)));
    shares += 32;
    gradients += 32;
  }
  return end;
}

@inline
function halfShareGradients(logits: usize, gradients: usize, keys: i32, known: usize): void {
  const end = at(logits, keys * 8);
  const highest = v128.load(known);
  const scale = v128.load(known, 32);
  const mean = v128.load(known, 64);
  const fours = at(logits, (keys & ~3) * 8);
  while (logits != fours) {
    fourShares(logits, logits, 32, highest, -64);
    gradients = fourGradients(logits, gradients, scale, mean);
    logits += 128;
  }
  while (logits != end) {
    const y = f32x4.mul(expOrZero(f32x4.sub(v128.load(logits), highest)), scale);
    v128.store(logits, y);
    v128.store(gradients, f32x4.mul(y, f32x4.sub(v128.load(gradients), mean)));
    logits += 32;
    gradients += 32;
  }
}

/** Σ a · b over `size` floats. */
export function dot(a: usize, b: usize, size: i32): f32 {
  let four = f32x4.splat(0);
  let j = 0;
  for (; j + 4 <= size; j += 4) four = f32x4.add(four, f32x4.mul(v128.load(at(a, j)), v128.load(at(b, j))));
  let sum = f32x4.extract_lane(four, 0) + f32x4.extract_lane(four, 1);
  sum += f32x4.extract_lane(four, 2) + f32x4.extract_lane(four, 3);
  for (; j < size; j++) sum += load<f32>(at(a, j)) * load<f32>(at(b, j));
  return sum;
}

@inline
function put(target: usize, value: v128, add: bool): void {
  v128.store(target, add ? f32x4.add(v128.load(target), value) : value);
}

/**
 * Writes a block `[columns, 8]`, each of the eight by its factor, as `rows` rows of `columns` floats, `stride` floats
 * apart; or adds it to them.
 */
export function putRows(
  block: usize,
  factors: usize,
  target: usize,
  stride: i32,
  rows: i32,
  columns: i32,
  add: bool,
): void {
  for (let r = 0; r < rows; r += 4) {
    const factor = v128.load(at(factors, r));
    const lanes = min(4, rows - r);
    let j = 0;
    for (; lanes == 4 && j + 4 <= columns; j += 4) {
      const place = at(block, j * 8 + r);
      const x0 = f32x4.mul(v128.load(place), factor);
      const x1 = f32x4.mul(v128.load(place, 32), factor);
      const x2 = f32x4.mul(v128.load(place, 64), factor);
      const x3 = f32x4.mul(v128.load(place, 96), factor);
      const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
      const out = at(target, r * stride + j);
      put(out, v128.shuffle<f64>(low01, low23, 0, 2), add);
      put(at(out, stride), v128.shuffle<f64>(low01, low23, 1, 3), add);
      put(at(out, 2 * stride), v128.shuffle<f64>(high01, high23, 0, 2), add);
      put(at(out, 3 * stride), v128.shuffle<f64>(high01, high23, 1, 3), add);
    }
    for (; j < columns; j++) {
      for (let lane = r; lane < r + lanes; lane++) {
        const value = load<f32>(at(block, j * 8 + lane)) * load<f32>(at(factors, lane));
        const out = at(target, lane * stride + j);
        store<f32>(out, add ? load<f32>(out) + value : value);
      }
    }
  }
}
