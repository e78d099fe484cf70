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
  splatEight,
} from './attention_parts.as';
import { ROWS } from './gemm_tile.as';
import { at } from './vector.as';

/** Queries, and keys, whose logits exist at a time. */
@inline
const QUERIES: i32 = 48;
@inline
const KEYS: i32 = 256;

/** Keys that are attended at a time: about the same in each step, whole panels and blocks of them. */
export function keyStep(tokens: i32): i32 {
  const steps = (tokens + KEYS - 1) / KEYS;
  return roundUp((tokens + steps - 1) / steps, 24);
}

/** Bytes of scratch that {@link selfAttention} needs. */
export function selfAttentionScratch(tokens: i32, depth: i32): i32 {
  const across = roundUp(depth, ROWS);
  const panels = roundUp(tokens, ROWS) * depth + across * tokens;
  return (panels + QUERIES * (3 + depth + across + keyStep(tokens)) + 8 + 16) << 2;
}

/**
 * Multi-head attention of packed `qkv [batch, tokens, 3, heads, depth]` → `context [batch, tokens, heads, depth]`, and per
 * batch and head the `statistics [2, tokens]`: the highest logit and 1 / Σ exp(logit - highest) of each query. `bias
 * [batch, tokens]` is added to the logits of the keys; none if 0.
 *
 * The logits of some queries and keys exist at a time; sums over earlier keys are corrected when a higher logit is found.
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
    const keyBias = bias == 0 ? bias : at(bias, b * tokens);
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
  const step = keyStep(tokens);
  const blockSize = roundUp(depth, ROWS) * 8;
  const scales = scratch;
  const found = at(scales, 8);
  const blocks = at(found, QUERIES * 3);
  const queries = at(blocks, (QUERIES / 8) * blockSize);
  const logits = at(queries, QUERIES * depth);
  const keys = at(logits, QUERIES * step);
  const values = at(keys, roundUp(tokens, ROWS) * depth);
  packPanels(at(query, dim), stride, 1, tokens, depth, keys);
  packPanels(at(query, 2 * dim), 1, stride, depth, tokens, values);
  for (let i = 0; i < tokens; i += QUERIES) {
    const rows = min(QUERIES, tokens - i);
    const groups = (rows + 7) / 8;
    packBlocks(at(query, i * stride), stride, rows, depth, queries);
    scaleBlocks(queries, groups * depth * 8, splatEight(scales, <f32>1 / sqrt(<f32>depth)));
    for (let j = 0; j < tokens; j += step) {
      const count = min(step, tokens - j);
      products(at(keys, j * depth), count, depth, queries, logits, step * 8, groups);
      for (let g = 0; g < groups; g++) {
        const shares = at(logits, g * step * 8);
        const block = at(blocks, g * blockSize);
        const one = at(found, g * 24);
        if (bias != 0) addBias(shares, at(bias, j), count);
        exponentials(shares, count, one, j == 0);
        if (j > 0) scaleBlocks(block, blockSize, at(one, 16));
        combine(at(values, j * ROWS), tokens * ROWS, depth, count, shares, block, j > 0);
      }
    }
    for (let g = 0; g < groups; g++) {
      const first = i + g * 8;
      const count = min(8, tokens - first);
      const one = at(found, g * 24);
      v128.store(scales, f32x4.div(f32x4.splat(1), v128.load(one, 32)));
      v128.store(scales, f32x4.div(f32x4.splat(1), v128.load(one, 48)), 16);
      putRows(at(blocks, g * blockSize), scales, at(context, first * dim), dim, count, depth, false);
      memory.copy(at(statistics, first), one, <usize>count << 2);
      memory.copy(at(statistics, tokens + first), scales, <usize>count << 2);
    }
  }
}
