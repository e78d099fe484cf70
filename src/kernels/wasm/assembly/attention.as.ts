import {
  addBias,
  combine,
  exponentials,
  packBlocks,
  packPanels,
  products,
  putRows,
  roundUp,
  scaleBlocks,
  shareGradients,
} from './attention_parts.as';
import { ROWS } from './gemm_tile.as';
import { at } from './vector.as';

/** Queries that are attended at once, in groups of eight. */
// @ts-ignore: decorator
@inline
const QUERIES: i32 = 8;
/** The same on the way back, where a sum over queries makes the gradients of keys and values: longer is better. */
// @ts-ignore: decorator
@inline
const QUERIES_BACK: i32 = 48;

/** Keys, padded to whole panels and whole blocks. */
// @ts-ignore: decorator
@inline
function padded(tokens: i32): i32 {
  return roundUp(tokens, 24);
}

/** Bytes of scratch that {@link selfAttention} needs. */
export function selfAttentionScratch(tokens: i32, depth: i32): i32 {
  const panels = roundUp(tokens, ROWS) * depth + roundUp(depth, ROWS) * tokens;
  return (panels + QUERIES * (depth + padded(tokens)) + roundUp(depth, ROWS) * 8 + 16 + 16) << 2;
}

/**
 * Multi-head attention of packed `qkv [batch, tokens, 3, heads, depth]` → `context [batch, tokens, heads, depth]`, and per
 * batch and head the `statistics [2, tokens]`: the highest logit and 1 / Σ exp(logit - highest) of each query. `bias
 * [batch, tokens]` is added to the logits of the keys; none if 0. The logits of eight queries exist at a time.
 */
export function selfAttention(
  qkv: usize,
  context: usize,
  statistics: usize,
  bias: usize,
  batch: i32,
  heads: i32,
  tokens: i32,
  depth: i32,
  scratch: usize,
): void {
  const dim = heads * depth;
  scratch = (scratch + 63) & ~63;
  for (let b = 0; b < batch; b++) {
    const keyBias = bias == 0 ? 0 : at(bias, b * tokens);
    for (let h = 0; h < heads; h++) {
      const query = at(qkv, b * tokens * 3 * dim + h * depth);
      const target = at(context, b * tokens * dim + h * depth);
      attendHead(query, keyBias, target, at(statistics, (b * heads + h) * 2 * tokens), dim, tokens, depth, scratch);
    }
  }
}

function attendHead(
  query: usize,
  bias: usize,
  context: usize,
  statistics: usize,
  dim: i32,
  tokens: i32,
  depth: i32,
  scratch: usize,
): void {
  const stride = 3 * dim;
  const strip = padded(tokens) * 8;
  const eight = scratch;
  const block = at(eight, 16);
  const queries = at(block, roundUp(depth, ROWS) * 8);
  const logits = at(queries, QUERIES * depth);
  const keys = at(logits, (QUERIES / 8) * strip);
  const values = at(keys, roundUp(tokens, ROWS) * depth);
  packPanels(at(query, dim), stride, 1, tokens, depth, keys);
  packPanels(at(query, 2 * dim), 1, stride, depth, tokens, values);
  for (let i = 0; i < tokens; i += QUERIES) {
    const rows = min(QUERIES, tokens - i);
    const groups = (rows + 7) / 8;
    packBlocks(at(query, i * stride), stride, rows, depth, queries);
    scaleBlocks(queries, groups * depth * 8, <f32>1 / sqrt(<f32>depth));
    products(keys, tokens, depth, queries, logits, strip, groups);
    for (let g = 0; g < groups; g++) {
      const shares = at(logits, g * strip);
      const first = i + g * 8;
      const count = min(8, tokens - first);
      if (bias != 0) addBias(shares, bias, tokens);
      exponentials(shares, tokens, eight);
      combine(values, depth, tokens, shares, block, false);
      putRows(block, at(eight, 8), at(context, first * dim), dim, count, depth);
      memory.copy(at(statistics, first), eight, <usize>count << 2);
      memory.copy(at(statistics, tokens + first), at(eight, 8), <usize>count << 2);
    }
  }
}

/** Bytes of scratch that {@link selfAttentionGrad} needs. */
export function selfAttentionGradScratch(tokens: i32, depth: i32): i32 {
  const across = roundUp(depth, ROWS);
  const whole = 2 * roundUp(tokens, ROWS) * depth + across * tokens + 2 * padded(tokens) * across;
  return (whole + QUERIES_BACK * (2 * (depth + padded(tokens) + across) + 8) + across * 8 + 24 + 16) << 2;
}

/**
 * Gradient of {@link selfAttention} with respect to `qkv`, into `dQkv`, from the gradient of the context and the saved
 * statistics: the logits are computed again, for some queries at a time.
 */
export function selfAttentionGrad(
  qkv: usize,
  dContext: usize,
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
  scratch = (scratch + 63) & ~63;
  for (let b = 0; b < batch; b++) {
    const keyBias = bias == 0 ? 0 : at(bias, b * tokens);
    for (let h = 0; h < heads; h++) {
      const first = b * tokens * dim;
      const query = at(qkv, 3 * first + h * depth);
      const dy = at(dContext, first + h * depth);
      const target = at(dQkv, 3 * first + h * depth);
      const saved = at(statistics, (b * heads + h) * 2 * tokens);
      gradHead(query, keyBias, dy, saved, target, dim, tokens, depth, scratch);
    }
  }
}

function gradHead(
  query: usize,
  bias: usize,
  dContext: usize,
  statistics: usize,
  dQuery: usize,
  dim: i32,
  tokens: i32,
  depth: i32,
  scratch: usize,
): void {
  const stride = 3 * dim;
  const across = roundUp(depth, ROWS);
  const strip = padded(tokens) * 8;
  const scale = <f32>1 / sqrt(<f32>depth);

  const eight = scratch;
  const block = at(eight, 24);
  const turned = at(block, across * 8);
  const queries = at(turned, QUERIES_BACK * 8);
  const dContexts = at(queries, QUERIES_BACK * depth);
  const queryPanels = at(dContexts, QUERIES_BACK * depth);
  const dContextPanels = at(queryPanels, QUERIES_BACK * across);
  const shares = at(dContextPanels, QUERIES_BACK * across);
  const dLogits = at(shares, (QUERIES_BACK / 8) * strip);
  const keys = at(dLogits, (QUERIES_BACK / 8) * strip);
  const values = at(keys, roundUp(tokens, ROWS) * depth);
  const keysAcross = at(values, roundUp(tokens, ROWS) * depth);
  const dKeys = at(keysAcross, across * tokens);
  const dValues = at(dKeys, padded(tokens) * across);

  packPanels(at(query, dim), stride, 1, tokens, depth, keys);
  packPanels(at(query, 2 * dim), stride, 1, tokens, depth, values);
  packPanels(at(query, dim), 1, stride, depth, tokens, keysAcross);
  // Keys beyond the last are read with its block of eight: no denormal number may be there.
  for (let g = 0; g < QUERIES_BACK / 4; g++) {
    memory.fill(at(shares, g * strip + tokens * 8), 0, <usize>(strip - tokens * 8) << 2);
  }
  for (let i = 0; i < tokens; i += QUERIES_BACK) {
    const rows = min(QUERIES_BACK, tokens - i);
    const groups = (rows + 7) / 8;
    packBlocks(at(query, i * stride), stride, rows, depth, queries);
    scaleBlocks(queries, groups * depth * 8, scale);
    packBlocks(at(dContext, i * dim), dim, rows, depth, dContexts);
    packPanels(at(query, i * stride), 1, stride, depth, rows, queryPanels);
    packPanels(at(dContext, i * dim), 1, dim, depth, rows, dContextPanels);
    products(keys, tokens, depth, queries, shares, strip, groups);
    products(values, tokens, depth, dContexts, dLogits, strip, groups);
    for (let g = 0; g < groups; g++) {
      const logits = at(shares, g * strip);
      const gradients = at(dLogits, g * strip);
      const first = i + g * 8;
      const count = min(8, tokens - first);
      if (bias != 0) addBias(logits, bias, tokens);
      memory.fill(eight, 0, 64);
      memory.copy(eight, at(statistics, first), <usize>count << 2);
      memory.copy(at(eight, 8), at(statistics, tokens + first), <usize>count << 2);
      shareGradients(logits, gradients, tokens, eight);
      combine(keysAcross, depth, tokens, gradients, block, false);
      putRows(block, splatEight(at(eight, 16), scale), at(dQuery, first * stride), stride, count, depth);
    }
    for (let j = 0; j < tokens; j += 8) {
      turn(shares, j, strip, groups, turned);
      combine(dContextPanels, depth, rows, turned, at(dValues, j * across), i > 0);
      turn(dLogits, j, strip, groups, turned);
      combine(queryPanels, depth, rows, turned, at(dKeys, j * across), i > 0);
    }
  }
  for (let j = 0; j < tokens; j += 8) {
    const target = at(dQuery, dim + j * stride);
    const count = min(8, tokens - j);
    putRows(at(dKeys, j * across), splatEight(at(eight, 16), scale), target, stride, count, depth);
    putRows(at(dValues, j * across), splatEight(at(eight, 16), 1), at(target, dim), stride, count, depth);
  }
}

/** Eight keys from `j` on of blocks `[keys, 8]` of queries, as a block `[queries, 8]` of keys. */
function turn(strips: usize, j: i32, strip: i32, groups: i32, target: usize): void {
  for (let g = 0; g < groups; g++) packBlocks(at(strips, g * strip + j * 8), 8, 8, 8, at(target, g * 64));
}

function splatEight(target: usize, value: f32): usize {
  v128.store(target, f32x4.splat(value));
  v128.store(target, f32x4.splat(value), 16);
  return target;
}
