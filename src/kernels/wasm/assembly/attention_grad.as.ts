import { keyStep } from './attention.as';
import {
  addBias,
  combine,
  dot,
  packBlocks,
  packPanels,
  products,
  putRows,
  roundUp,
  scaleBlocks,
  shareGradients,
  splatEight,
} from './attention_parts.as';
import { ROWS } from './gemm_tile.as';
import { at } from './vector.as';

/** Queries that are worked on at a time: their number is the length of the sums of the gradients of keys and values. */
@inline
const QUERIES: i32 = 48;

/** Bytes of scratch that {@link selfAttentionGrad} needs: as much for any number of tokens. */
export function selfAttentionGradScratch(tokens: i32, depth: i32): i32 {
  const across = roundUp(depth, ROWS);
  const keys = keyStep(tokens);
  return (keys * (2 * depth + 3 * across) + QUERIES * (2 * (depth + keys) + 3 * across + 8) + 32 + 16) << 2;
}

/**
 * Gradient of `selfAttention` with respect to `qkv`, into `dQkv`, from the gradient of the context, the context and the
 * statistics: the logits of some keys and queries are computed again at a time.
 */
export function selfAttentionGrad(
  qkv: usize,
  dContext: usize,
  context: usize,
  statistics: usize,
  dQkv: usize,
  bias: usize,
  batch: i32,
  heads: i32,
  tokens: i32,
  depth: i32,
  scratch: usize,
): void {
  const dim = heads * depth;
  const step = keyStep(tokens);
  scratch = (scratch + 63) & ~63;
  for (let b = 0; b < batch; b++) {
    const keyBias = bias == 0 ? bias : at(bias, b * tokens);
    for (let h = 0; h < heads; h++) {
      const first = b * tokens * dim + h * depth;
      const whole = 3 * b * tokens * dim + h * depth;
      const query = at(qkv, whole);
      const dy = at(dContext, first);
      const y = at(context, first);
      const saved = at(statistics, (b * heads + h) * 2 * tokens);
      const target = at(dQkv, whole);
      for (let j = 0; j < tokens; j += step) {
        const count = min(step, tokens - j);
        gradKeys(query, keyBias, dy, y, saved, target, dim, tokens, depth, j, count, scratch);
      }
    }
  }
}

/** What `count` keys from `j` on add to the gradient of all queries, and the gradients of these keys and their values. */
function gradKeys(
  query: usize,
  bias: usize,
  dContext: usize,
  context: usize,
  statistics: usize,
  dQuery: usize,
  dim: i32,
  tokens: i32,
  depth: i32,
  j: i32,
  count: i32,
  scratch: usize,
): void {
  const stride = 3 * dim;
  const across = roundUp(depth, ROWS);
  const step = keyStep(tokens);
  const strip = step * 8;

  const known = scratch;
  const scales = at(known, 24);
  const turned = at(scales, 8);
  const block = at(turned, QUERIES * 8);
  const queries = at(block, QUERIES * across);
  const dContexts = at(queries, QUERIES * depth);
  const queryPanels = at(dContexts, QUERIES * depth);
  const dContextPanels = at(queryPanels, QUERIES * across);
  const shares = at(dContextPanels, QUERIES * across);
  const dLogits = at(shares, QUERIES * step);
  const keys = at(dLogits, QUERIES * step);
  const values = at(keys, step * depth);
  const keysAcross = at(values, step * depth);
  const dKeys = at(keysAcross, step * across);
  const dValues = at(dKeys, step * across);

  const key = at(query, dim + j * stride);
  packPanels(key, stride, 1, count, depth, keys);
  packPanels(at(key, dim), stride, 1, count, depth, values);
  packPanels(key, 1, stride, depth, count, keysAcross);
  splatEight(scales, <f32>1 / sqrt(<f32>depth));
  // Keys beyond the last are read with its block of eight: no denormal number may be there.
  for (let g = 0; g < QUERIES / 4; g++) {
    memory.fill(at(shares, g * strip + count * 8), 0, <usize>(strip - count * 8) << 2);
  }
  for (let i = 0; i < tokens; i += QUERIES) {
    const rows = min(QUERIES, tokens - i);
    const groups = (rows + 7) / 8;
    packBlocks(at(query, i * stride), stride, rows, depth, queries);
    scaleBlocks(queries, groups * depth * 8, scales);
    packBlocks(at(dContext, i * dim), dim, rows, depth, dContexts);
    packPanels(at(query, i * stride), 1, stride, depth, rows, queryPanels);
    packPanels(at(dContext, i * dim), 1, dim, depth, rows, dContextPanels);
    products(keys, count, depth, queries, shares, strip, groups);
    products(values, count, depth, dContexts, dLogits, strip, groups);
    for (let g = 0; g < groups; g++) {
      const logits = at(shares, g * strip);
      const gradients = at(dLogits, g * strip);
      const first = i + g * 8;
      const lanes = min(8, tokens - first);
      recall(known, statistics, at(dContext, first * dim), at(context, first * dim), dim, tokens, depth, first, lanes);
      if (bias != 0) addBias(logits, at(bias, j), count);
      shareGradients(logits, gradients, count, known);
      combine(keysAcross, count * ROWS, depth, count, gradients, block, false);
      putRows(block, scales, at(dQuery, first * stride), stride, lanes, depth, j > 0);
    }
    for (let n = 0; n < count; n += 8) {
      turn(shares, n, strip, groups, turned);
      combine(dContextPanels, rows * ROWS, depth, rows, turned, at(dValues, n * across), i > 0);
      turn(dLogits, n, strip, groups, turned);
      combine(queryPanels, rows * ROWS, depth, rows, turned, at(dKeys, n * across), i > 0);
    }
  }
  for (let n = 0; n < count; n += 8) {
    const target = at(dQuery, dim + (j + n) * stride);
    const lanes = min(8, count - n);
    putRows(at(dKeys, n * across), scales, target, stride, lanes, depth, false);
    putRows(at(dValues, n * across), splatEight(known, 1), at(target, dim), stride, lanes, depth, false);
  }
}

/** What is known of up to eight queries: the highest logit, 1 / Σ exp(logit - highest), and Σ share · gradient. */
function recall(
  known: usize,
  statistics: usize,
  dContext: usize,
  context: usize,
  dim: i32,
  tokens: i32,
  depth: i32,
  first: i32,
  lanes: i32,
): void {
  memory.fill(known, 0, 96);
  for (let r = 0; r < lanes; r++) {
    store<f32>(at(known, r), load<f32>(at(statistics, first + r)));
    store<f32>(at(known, 8 + r), load<f32>(at(statistics, tokens + first + r)));
    store<f32>(at(known, 16 + r), dot(at(dContext, r * dim), at(context, r * dim), depth));
  }
}

/** Eight keys from `n` on of blocks `[keys, 8]` of queries, as a block `[queries, 8]` of keys. */
function turn(strips: usize, n: i32, strip: i32, groups: i32, target: usize): void {
  for (let g = 0; g < groups; g++) packBlocks(at(strips, g * strip + n * 8), 8, 8, 8, at(target, g * 64));
}
