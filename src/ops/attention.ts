import {
  add,
  cast,
  concat,
  matMul,
  mean,
  mul,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  tidy,
  tile,
  transpose,
} from '@tensorflow/tfjs-core';
import { withGradient } from './custom_gradient.js';
import { runFused } from './fused.js';

/** `[B, M, groups·d]` → `[B·groups, M, d]`. */
export function splitGroups(x: Tensor, groups: number): Tensor {
  if (groups === 1) return x;
  const [batch, tokens, dim] = x.shape as [number, number, number];
  const split = transpose(reshape(x, [batch, tokens, groups, dim / groups]), [0, 2, 1, 3]);
  return reshape(split, [batch * groups, tokens, dim / groups]);
}

/** Inverse of {@link splitGroups}: `[B·groups, M, d]` → `[B, M, groups·d]`. */
export function mergeGroups(x: Tensor, groups: number): Tensor {
  if (groups === 1) return x;
  const [rows, tokens, depth] = x.shape as [number, number, number];
  const merged = transpose(reshape(x, [rows / groups, groups, tokens, depth]), [0, 2, 1, 3]);
  return reshape(merged, [rows / groups, tokens, groups * depth]);
}

/** One of queries (0), keys (1), values (2) of a packed `qkv [B, M, 3D]`, as `[B·heads, M, D/heads]`. */
function unpack(qkv: Tensor, part: 0 | 1 | 2, heads: number): Tensor {
  const [batch, tokens, width] = qkv.shape as [number, number, number];
  return splitGroups(slice(qkv, [0, 0, (part * width) / 3], [batch, tokens, width / 3]), heads);
}

/** `bias [B·heads, 1, M]`, if given, is added to the scaled logits. */
function attentionWeights(query: Tensor, key: Tensor, bias?: Tensor): Tensor {
  const depth = query.shape[2] as number;
  const logits = mul(matMul(query, key, false, true), depth ** -0.5);
  return softmax(bias === undefined ? logits : add(logits, bias));
}

/** `[B, M]`, the same for all heads, → `[B·heads, 1, M]`. */
function spreadBias(bias: Tensor, heads: number): Tensor {
  const [batch, tokens] = bias.shape as [number, number];
  return reshape(tile(reshape(bias, [batch, 1, tokens]), [1, heads, 1]), [batch * heads, 1, tokens]);
}

/**
 * Multi-head self-attention of packed queries, keys and values: `qkv [B, M, 3D]` → `[B, M, D]`.
 *
 * The last axis of `qkv` holds q, k, v one after another, each head-major; logits are scaled by `(D/heads)^-0.5`.
 * `keyBias [B, M]`, a constant, is added to the logits of every query. The gradient flows to `qkv` and is written by
 * hand: four products and no tape of the intermediate steps. With the kernels of `tfjs-llf/wasm` the matrix of all logits
 * never exists, forward or backward (FlashAttention, https://arxiv.org/abs/2205.14135).
 */
export function selfAttention(qkv: Tensor, heads: number, keyBias?: Tensor): Tensor {
  return withGradient(
    [qkv],
    (packed): Attended<Record<string, Tensor>> =>
      fusedAttention(packed, heads, keyBias) ?? composedAttention(packed, heads, keyBias),
    (dy, saved) => [
      'statistics' in saved ? fusedGradient(dy, saved as Fused, heads) : composedGradient(dy, saved as Composed, heads),
    ],
  );
}

/** What the fused gradient needs: inputs and value, and what the kernel keeps of the softmax. */
type Fused = Record<'qkv' | 'context' | 'statistics', Tensor> & { bias?: Tensor };
/** What the composed gradient needs: three of `[B·heads, M, D/heads]`, and the softmax `[B·heads, M, M]`. */
type Composed = Record<'query' | 'key' | 'value' | 'weights', Tensor>;

type Attended<Saved> = { value: Tensor; saved: Saved };

function fusedAttention(qkv: Tensor, heads: number, keyBias?: Tensor): Attended<Fused> | undefined {
  const inputs = keyBias === undefined ? { qkv } : { qkv, bias: cast(keyBias, 'float32') };
  const [context, statistics] = runFused('LLFSelfAttention', inputs, { heads });
  return context && statistics && { value: context, saved: { ...inputs, context, statistics } };
}

function fusedGradient(dy: Tensor, saved: Fused, heads: number): Tensor {
  const [gradient] = runFused('LLFSelfAttentionGrad', { dy, ...saved }, { heads });
  return gradient ?? composedGradient(dy, composedAttention(saved.qkv, heads, saved.bias).saved, heads);
}

function composedAttention(qkv: Tensor, heads: number, keyBias?: Tensor): Attended<Composed> {
  const query = unpack(qkv, 0, heads);
  const key = unpack(qkv, 1, heads);
  const value = unpack(qkv, 2, heads);
  const weights = attentionWeights(query, key, keyBias && spreadBias(keyBias, heads));
  return { value: mergeGroups(matMul(weights, value), heads), saved: { query, key, value, weights } };
}

function composedGradient(dy: Tensor, { query, key, value, weights }: Composed, heads: number): Tensor {
  const dContext = splitGroups(dy, heads);
  const dWeights = matMul(dContext, value, false, true);
  const centred = sub(dWeights, sum(mul(dWeights, weights), -1, true));
  const dLogits = mul(mul(weights, centred), (query.shape[2] as number) ** -0.5);
  const dQuery = mergeGroups(matMul(dLogits, key), heads);
  const dKey = mergeGroups(matMul(dLogits, query, true, false), heads);
  const dValue = mergeGroups(matMul(weights, dContext, true, false), heads);
  return concat([dQuery, dKey, dValue], 2);
}

/**
 * Attention of the first (class) token to all tokens, mean over heads: `qkv [B, M, 3D]` → `[B, M]`. For scores: give it a
 * detached `qkv`.
 */
export function classAttention(qkv: Tensor, heads: number): Tensor {
  const [batch, tokens, width] = qkv.shape as [number, number, number];
  return tidy(() => {
    const query = slice(unpack(qkv, 0, heads), [0, 0, 0], [batch * heads, 1, width / 3 / heads]);
    return mean(reshape(attentionWeights(query, unpack(qkv, 1, heads)), [batch, heads, tokens]), 1);
  });
}

/** Keys averaged over heads: `qkv [B, M, 3D]` → `[B, M, D/heads]`, what ToMe compares tokens by. Detached `qkv`, too. */
export function meanKeys(qkv: Tensor, heads: number): Tensor {
  const [batch, tokens, width] = qkv.shape as [number, number, number];
  return tidy(() => {
    const keys = slice(qkv, [0, 0, width / 3], [batch, tokens, width / 3]);
    return mean(reshape(keys, [batch, tokens, heads, width / 3 / heads]), 2);
  });
}
