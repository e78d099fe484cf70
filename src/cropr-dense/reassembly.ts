import { cast, equal, expandDims, matMul, maximum, range, sub, type Tensor } from '@tensorflow/tfjs-core';
import { fuseTokens } from '../cropr/routing.js';
import { withGradient } from '../ops/custom_gradient.js';
import { gatherTokens, takeTokens } from '../ops/gather_tokens.js';
import { stopGradient } from '../ops/stop_gradient.js';

/**
 * Puts tokens `x [B, K, D]` to the places that their `ids [B, K]` (whole numbers, no two the same in a row) name, with zeros
 * everywhere else: `[B, count, D]`. The gradient flows to `x`: the rows of the ids.
 */
export function scatterTokens(x: Tensor, ids: Tensor, count: number): Tensor {
  return withGradient(
    [x],
    (x) => {
      const places = cast(ids, 'int32');
      const isThere = cast(equal(expandDims(places, 2), range(0, count, 1, 'int32')), 'float32');
      return { value: matMul(isThere, x, true, false), saved: { places } };
    },
    (dy, { places }) => [takeTokens(dy, places)],
  );
}

/** What a pruning module predicted for every patch, and which tokens it pruned. */
export interface EarlyPrediction {
  /** `[B, P, C]`, by patch. */
  logits: Tensor;
  /** `[B, R]` int32, 0 for the class token. */
  prunedIds: Tensor;
}

/**
 * Final logits of the tokens that were left, early ones of those that were pruned: `logits [B, K, C]` with `ids [B, K]` →
 * `[B, 1 + P, C]` in the order of the ids. The early ones are constants: their own loss trains them.
 */
export function fuseLogits(logits: Tensor, ids: Tensor, early: readonly EarlyPrediction[]): Tensor {
  const taken = early
    .filter(({ prunedIds }) => prunedIds.shape[1] !== 0)
    .map((prediction) => ({
      ids: prediction.prunedIds,
      logits: gatherTokens(stopGradient(prediction.logits), cast(maximum(sub(prediction.prunedIds, 1), 0), 'int32')),
    }));
  return fuseTokens([logits, ...taken.map((one) => one.logits)], [ids, ...taken.map((one) => one.ids)]);
}
