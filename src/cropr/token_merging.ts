import {
  add,
  argMax,
  cast,
  div,
  expandDims,
  fill,
  gather,
  matMul,
  max,
  mul,
  oneHot,
  range,
  rsqrt,
  slice,
  square,
  squeeze,
  sum,
  type Tensor,
  type Tensor1D,
  tile,
  topk,
} from '@tensorflow/tfjs-core';
import { permuteTokens, takeTokens } from '../ops/gather_tokens.js';
import { joinTokens } from './routing.js';

/** Which tokens are merged into which, per image. */
export interface Matching {
  /** A permutation `[B, M]` of the tokens: those that stay alone, those that receive, those that are merged away. */
  order: Tensor;
  /** For each of the last group the place `[B, merge]` of its partner among those that receive. */
  partner: Tensor;
}

/** Rows of unit length: `[B, M, d]`. */
function unitRows(x: Tensor): Tensor {
  return mul(x, rsqrt(add(sum(square(x), -1, true), 1e-12)));
}

/**
 * Bipartite matching of ToMe: tokens at even places each find the most similar one (cosine of `keys [B, M, d]`) at an odd
 * place, and the `merge` most similar pairs are chosen. The class token, at place 0, is never merged away.
 */
export function matchTokens(keys: Tensor, merge: number, classToken: boolean): Matching {
  const [batch, count] = keys.shape as [number, number];
  const unit = unitRows(keys);
  const ids = (from: number): Tensor => range(from, count, 2, 'int32');
  const similarity = matMul(gather(unit, ids(0), 1), gather(unit, ids(1), 1), false, true);
  const first = classToken ? 1 : 0;
  const candidates = Math.ceil(count / 2) - first;
  const best = slice(max(similarity, -1), [0, first], [batch, candidates]);
  const places = cast(add(topk(best, candidates).indices, first), 'int32');
  const merged = slice(places, [0, 0], [batch, merge]);
  const evenIds = (at: Tensor): Tensor => cast(mul(at, 2), 'int32');
  const alone = candidates > merge ? [evenIds(slice(places, [0, merge], [batch, candidates - merge]))] : [];
  if (classToken) alone.unshift(fill([batch, 1], 0, 'int32'));
  const odds = tile(expandDims(ids(1), 0), [batch, 1]);
  const groups = [...alone, odds, evenIds(merged)];
  return { order: joinTokens(groups), partner: takeTokens(argMax(similarity, -1), merged) };
}

/** `[B, M, D]` in the order alone, receiving, merged → `[B, M - merge, D]`: the merged rows are added to their partners. */
function addToPartners(sorted: Tensor, partner: Tensor, receivers: number): Tensor {
  const [batch, count, dim] = sorted.shape as [number, number, number];
  const merge = partner.shape[1] as number;
  const alone = count - merge - receivers;
  const assignment = cast(oneHot(partner as Tensor1D, receivers), 'float32');
  const away = matMul(assignment, slice(sorted, [0, count - merge, 0], [batch, merge, dim]), true, false);
  const receiving = add(slice(sorted, [0, alone, 0], [batch, receivers, dim]), away);
  return alone === 0 ? receiving : joinTokens([slice(sorted, [0, 0, 0], [batch, alone, dim]), receiving]);
}

/**
 * Merges tokens `[B, M, D]` into means that count each token by its size `[B, M]` (patches it stands for): returns tokens
 * `[B, M - merge, D]` and their sizes `[B, M - merge]`. The gradient flows to the tokens.
 */
export function mergeTokens(x: Tensor, sizes: Tensor, { order, partner }: Matching): { tokens: Tensor; sizes: Tensor } {
  const count = x.shape[1] as number;
  const receivers = Math.floor(count / 2);
  const weights = expandDims(sizes, 2);
  const total = addToPartners(takeTokens(weights, order), partner, receivers);
  const tokens = div(addToPartners(permuteTokens(mul(x, weights), order), partner, receivers), total);
  return { tokens, sizes: squeeze(total, [2]) };
}
