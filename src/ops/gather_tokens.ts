import {
  add,
  cast,
  equal,
  expandDims,
  gather,
  matMul,
  mul,
  neg,
  range,
  reshape,
  type Tensor,
  type Tensor2D,
  tidy,
  topk,
} from '@tensorflow/tfjs-core';
import { withGradient } from './custom_gradient.js';
import { runFused } from './fused.js';

/** Rows `indices [B, K]` of each sample of `x [B, M, ...]`: for ids and inside gradients, itself not differentiable. */
export function takeTokens(x: Tensor, indices: Tensor): Tensor {
  const [taken] = runFused('LLFTakeTokens', { x, indices });
  if (taken) return taken;
  const [batch, tokens, ...rest] = x.shape as [number, number, ...number[]];
  const count = indices.shape[1] as number;
  return tidy(() => {
    const offsets = mul(reshape(range(0, batch, 1, 'int32'), [batch, 1]), tokens);
    const flat = cast(reshape(add(indices, offsets), [batch * count]), 'int32');
    return reshape(gather(reshape(x, [batch * tokens, ...rest]), flat), [batch, count, ...rest]);
  });
}

/** The adjoint of {@link takeTokens}: rows `dy [B, K, ...]` added up at their indices → `[B, tokens, ...]`; where it is fused. */
function spreadTokens(dy: Tensor, indices: Tensor, tokens: number): Tensor | undefined {
  return runFused('LLFScatterTokens', { x: dy, indices }, { tokens })[0];
}

/** The permutation that undoes `order [B, M]` (int32, each row a permutation of 0..M-1). */
export function inversePermutation(order: Tensor): Tensor2D {
  return tidy(() => topk(neg(cast(order, 'float32')), order.shape[1] as number).indices as Tensor2D);
}

/**
 * Reorders the tokens of each sample: `x [B, M, D]`, `order [B, M]` int32 (each row a permutation) → `[B, M, D]`.
 *
 * The gradient flows to `x`; it is the gather by the inverse permutation. tfjs's own `gather(x, order, 1, 1)` loops over
 * the batch in its gradient on cpu and throws on WASM (https://github.com/tensorflow/tfjs/issues/8082).
 */
export function permuteTokens(x: Tensor, order: Tensor): Tensor {
  return withGradient(
    [x],
    (x) => ({ value: takeTokens(x, order), saved: { order } }),
    (dy, { order }) => {
      const spread = spreadTokens(dy, order, order.shape[1] as number);
      return [spread ?? takeTokens(dy, inversePermutation(order))];
    },
  );
}

/**
 * Takes tokens by index, for each sample its own: `x [B, M, D]`, `indices [B, K]` int32 → `[B, K, D]`.
 *
 * Indices may repeat or leave tokens out. The gradient flows to `x`: each token receives the sum over its copies.
 */
export function gatherTokens(x: Tensor, indices: Tensor): Tensor {
  return withGradient(
    [x],
    (x) => ({ value: takeTokens(x, indices), saved: { indices } }),
    (dy, { indices }) => {
      const count = x.shape[1] as number;
      const spread = spreadTokens(dy, indices, count);
      if (spread !== undefined) return [spread];
      const tokens = range(0, count, 1, 'int32');
      const copies = cast(equal(expandDims(indices, 2), tokens), 'float32');
      return [matMul(copies, dy, true, false)];
    },
  );
}
