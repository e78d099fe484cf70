import { add, cast, concat, fill, slice, type Tensor, tensor, topk, zeros } from '@tensorflow/tfjs-core';
import { inversePermutation, permuteTokens } from '../ops/gather_tokens.js';
import { stopGradient } from '../ops/stop_gradient.js';

/**
 * Ranks tokens by score, best first: `scores [B, M]` → `order [B, M]` int32, each row a permutation.
 *
 * With a class token, token 0 comes first whatever its score. Scores are detached: no gradient enters the ranking.
 * Equal scores keep the order of the tokens.
 */
export function rankTokens(scores: Tensor, classToken: boolean): Tensor {
  const [batch, count] = scores.shape as [number, number];
  const detached = stopGradient(scores);
  if (!classToken) return topk(detached, count).indices;
  const first = fill([batch, 1], 0, 'int32');
  if (count === 1) return first;
  const patches = topk(slice(detached, [0, 1], [batch, count - 1]), count - 1).indices;
  return concat([first, cast(add(patches, 1), 'int32')], 1);
}

/** The two halves of a routed sequence. */
export interface Route {
  kept: Tensor;
  pruned: Tensor;
}

/** Splits a sequence `[B, M, ...]` that is sorted by score into the first `keep` tokens and the rest. */
export function splitTokens(sorted: Tensor, keep: number): Route {
  const [batch, count, ...rest] = sorted.shape as [number, number, ...number[]];
  if (keep === count) return { kept: sorted, pruned: emptyTokens([batch, 0, ...rest], sorted.dtype) };
  const begin = [0, keep, ...rest.map(() => 0)];
  return {
    kept: slice(
      sorted,
      begin.map(() => 0),
      [batch, keep, ...rest],
    ),
    pruned: slice(sorted, begin, [batch, count - keep, ...rest]),
  };
}

function emptyTokens(shape: number[], dtype: Tensor['dtype']): Tensor {
  return dtype === 'int32' ? tensor([], shape, 'int32') : zeros(shape);
}

/** Sends each sample's tokens `[B, M, ...]` through the ranking and splits them; the gradient flows to the tokens. */
export function routeTokens(tokens: Tensor, order: Tensor, keep: number): Route {
  return splitTokens(permuteTokens(tokens, order), keep);
}

/**
 * Joins routed tokens `[B, M_i, D]` into `[B, M, D]`, in the given sequence, or in the order of their `ids [B, M]`. The
 * gradient flows to all of them.
 */
export function fuseTokens(parts: Tensor[], ids?: Tensor[]): Tensor {
  const tokens = joinTokens(parts);
  return ids === undefined ? tokens : permuteTokens(tokens, inversePermutation(joinTokens(ids)));
}

/** Concatenates sequences `[B, M_i, ...]`, leaving out the empty ones, which not every backend takes. */
export function joinTokens(parts: Tensor[]): Tensor {
  return concat(
    parts.filter((part) => part.shape[1] !== 0),
    1,
  );
}
