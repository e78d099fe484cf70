import {
  add,
  expandDims,
  mul,
  reshape,
  squeeze,
  sum,
  type Tensor,
  tensor,
  tile,
  transpose,
} from '@tensorflow/tfjs-core';
import { linear } from '../ops/linear.js';

/** What a Cropr scorer is made of; projections are `[D, D]` kernels without bias. */
export interface Scorer {
  /** Learned queries `[N, D]`. */
  queries: Tensor;
  heads: number;
  queryKernel?: Tensor | undefined;
  keyKernel?: Tensor | undefined;
}

/** `[D, heads]` with ones where feature d belongs to head h. */
function headMask(dim: number, heads: number): Tensor {
  const depth = dim / heads;
  return tensor(
    Float32Array.from({ length: dim * heads }, (_, i) =>
      Math.floor(Math.floor(i / heads) / depth) === i % heads ? 1 : 0,
    ),
    [dim, heads],
  );
}

/**
 * Cross-attention logits of the queries to the tokens, unscaled: `tokens [B, M, D]` → `[B, heads, N, M]`.
 *
 * All heads are one 2-D product with block-diagonal queries `[D, heads · N]`.
 */
export function crossAttentionLogits(tokens: Tensor, { queries, heads, queryKernel, keyKernel }: Scorer): Tensor {
  const [batch, count, dim] = tokens.shape as [number, number, number];
  const queryCount = queries.shape[0] as number;
  const query = queryKernel ? linear(queries, queryKernel) : queries;
  const keys = keyKernel ? linear(tokens, keyKernel) : tokens;
  let perHead = transpose(query);
  if (heads > 1) {
    const spread = mul(tile(expandDims(perHead, 1), [1, heads, 1]), expandDims(headMask(dim, heads), 2));
    perHead = reshape(spread, [dim, heads * queryCount]);
  }
  const logits = linear(keys, perHead);
  return transpose(reshape(logits, [batch, count, heads, queryCount]), [0, 2, 3, 1]);
}

/** A token's score is the sum of its logits over heads and queries: `[B, heads, N, M]` → `[B, M]`. */
export function scoresOf(logits: Tensor): Tensor {
  return sum(logits, [1, 2]);
}

/**
 * Folds all queries into the one vector `[D]` whose dot product with a token is the token's score, for any number of
 * heads, since the dot products of the heads add up to the whole one.
 */
export function foldQueries({ queries, queryKernel, keyKernel }: Omit<Scorer, 'heads'>): Tensor {
  const projected = queryKernel ? linear(queries, queryKernel) : queries;
  const total = sum(projected, 0, true);
  return reshape(keyKernel ? linear(total, transpose(keyKernel)) : total, [-1]);
}

/** Scores by the folded query: `tokens [B, M, D]`, `query [D]` → `[B, M]`. One matrix-vector product. */
export function foldedScores(tokens: Tensor, query: Tensor): Tensor {
  return squeeze(linear(tokens, reshape(query, [-1, 1])), [2]);
}

/** Variance of each token's features (the "variance" rival): `[B, M, D]` → `[B, M]`. */
export function featureVariance(tokens: Tensor): Tensor {
  const dim = tokens.shape[2] as number;
  const centred = add(tokens, mul(sum(tokens, -1, true), -1 / dim));
  return mul(sum(mul(centred, centred), -1), 1 / dim);
}
