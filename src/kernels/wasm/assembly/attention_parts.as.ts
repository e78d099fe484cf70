import { expOrZero } from './exp.as';
import { packBlock } from './gemm_pack.as';
import { ROWS, tile } from './gemm_tile.as';
import { at, fma } from './vector.as';

/**
 * What attention is made of. A matrix that is multiplied from the left is packed in panels of {@link ROWS} rows; all others
 * are blocks `[k, 8]`, eight queries (or keys) side by side: their softmax needs no sum across a vector, and is read as it
 * was written.
 */

/** Sums run over at most this many products before they are added up. */
// @ts-ignore: decorator
@inline
const K_BLOCK: i32 = 256;

// @ts-ignore: decorator
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

export function scaleBlocks(blocks: usize, size: i32, scale: f32): void {
  const factor = f32x4.splat(scale);
  for (let i = 0; i < size; i += 8) {
    const place = at(blocks, i);
    v128.store(place, f32x4.mul(v128.load(place), factor));
    v128.store(place, f32x4.mul(v128.load(place, 16), factor), 16);
  }
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

/** c[m, 8] (+)= a[m, k] · b[k, 8], where k may be long. */
export function combine(a: usize, m: i32, k: i32, b: usize, c: usize, accumulate: bool): void {
  for (let p = 0; p < k; p += K_BLOCK) {
    const kc = min(K_BLOCK, k - p);
    for (let i = 0; i < m; i += ROWS) {
      const panel = at(a, i * k + p * ROWS);
      const target = at(c, i * 8);
      tile(panel, at(panel, kc * ROWS), at(b, p * 8), 32, target, 32, accumulate || p > 0 ? target : 0, 32);
    }
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
 * exp(logits - highest) in place, for eight queries; writes `highest [8]` and 1 / sum `[8]`, one after another, to
 * `statistics`.
 */
export function exponentials(logits: usize, keys: i32, statistics: usize): void {
  const end = at(logits, keys * 8);
  let highLeft = v128.load(logits);
  let highRight = v128.load(logits, 16);
  for (let place = logits; place != end; place += 32) {
    highLeft = f32x4.pmax(highLeft, v128.load(place));
    highRight = f32x4.pmax(highRight, v128.load(place, 16));
  }
  let sumLeft = f32x4.splat(0);
  let sumRight = sumLeft;
  for (let j = 0; j < keys; j += K_BLOCK) {
    const blockEnd = at(logits, min(keys, j + K_BLOCK) * 8);
    let left = f32x4.splat(0);
    let right = left;
    for (let place = at(logits, j * 8); place != blockEnd; place += 32) {
      const y = expOrZero(f32x4.sub(v128.load(place), highLeft));
      left = f32x4.add(left, y);
      v128.store(place, y);
      const z = expOrZero(f32x4.sub(v128.load(place, 16), highRight));
      right = f32x4.add(right, z);
      v128.store(place, z, 16);
    }
    sumLeft = f32x4.add(sumLeft, left);
    sumRight = f32x4.add(sumRight, right);
  }
  v128.store(statistics, highLeft);
  v128.store(statistics, highRight, 16);
  v128.store(statistics, f32x4.div(f32x4.splat(1), sumLeft), 32);
  v128.store(statistics, f32x4.div(f32x4.splat(1), sumRight), 48);
}

/**
 * From logits and gradients of the shares of eight queries, both `[keys, 8]`: the shares and the gradients of the logits,
 * in place.
 */
export function shareGradients(logits: usize, gradients: usize, keys: i32, statistics: usize): void {
  const size = <usize>(keys * 8) << 2;
  const highLeft = v128.load(statistics);
  const highRight = v128.load(statistics, 16);
  const scaleLeft = v128.load(statistics, 32);
  const scaleRight = v128.load(statistics, 48);
  let left = f32x4.splat(0);
  let right = left;
  for (let i: usize = 0; i != size; i += 32) {
    const y = f32x4.mul(expOrZero(f32x4.sub(v128.load(logits + i), highLeft)), scaleLeft);
    v128.store(logits + i, y);
    left = fma(y, v128.load(gradients + i), left);
    const z = f32x4.mul(expOrZero(f32x4.sub(v128.load(logits + i, 16), highRight)), scaleRight);
    v128.store(logits + i, z, 16);
    right = fma(z, v128.load(gradients + i, 16), right);
  }
  for (let i: usize = 0; i != size; i += 32) {
    const place = gradients + i;
    v128.store(place, f32x4.mul(v128.load(logits + i), f32x4.sub(v128.load(place), left)));
    v128.store(place, f32x4.mul(v128.load(logits + i, 16), f32x4.sub(v128.load(place, 16), right)), 16);
  }
}

/** Writes a block `[columns, 8]`, each of the eight scaled, as `rows` rows of `columns` floats, `stride` floats apart. */
export function putRows(block: usize, scales: usize, target: usize, stride: i32, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r += 4) {
    const scale = v128.load(at(scales, r));
    const lanes = min(4, rows - r);
    let j = 0;
    for (; lanes == 4 && j + 4 <= columns; j += 4) {
      const place = at(block, j * 8 + r);
      const x0 = f32x4.mul(v128.load(place), scale);
      const x1 = f32x4.mul(v128.load(place, 32), scale);
      const x2 = f32x4.mul(v128.load(place, 64), scale);
      const x3 = f32x4.mul(v128.load(place, 96), scale);
      const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
      let out = at(target, r * stride + j);
      v128.store(out, v128.shuffle<f64>(low01, low23, 0, 2));
      out = at(out, stride);
      v128.store(out, v128.shuffle<f64>(low01, low23, 1, 3));
      out = at(out, stride);
      v128.store(out, v128.shuffle<f64>(high01, high23, 0, 2));
      out = at(out, stride);
      v128.store(out, v128.shuffle<f64>(high01, high23, 1, 3));
    }
    for (; j < columns; j++) {
      for (let lane = r; lane < r + lanes; lane++) {
        const value = load<f32>(at(block, j * 8 + lane)) * load<f32>(at(scales, lane));
        store<f32>(at(target, lane * stride + j), value);
      }
    }
  }
}
