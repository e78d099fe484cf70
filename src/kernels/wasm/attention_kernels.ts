import type { TensorInfo } from '@tensorflow/tfjs-core';
import { areFloats, inputOf, type KernelCall, type WasmKernel } from './kernel.js';

/** Batch, heads, tokens and depth of a head of a packed `qkv [B, M, 3D]`. */
function sizesOf(qkv: TensorInfo, { attrs }: KernelCall): readonly [number, number, number, number] {
  const [batch = 0, tokens = 0, width = 0] = qkv.shape;
  const { heads } = attrs as { heads: number };
  return [batch, heads, tokens, width / 3 / heads];
}

/** The bias of the keys, if there is one. */
function biasOf({ inputs }: KernelCall): TensorInfo | undefined {
  const { bias } = inputs as { bias?: TensorInfo };
  return bias;
}

/**
 * `LLFSelfAttention`: `qkv [B, M, 3D]`, maybe `bias [B, M]`, attribute `heads` → context `[B, M, D]`, and what the
 * gradient needs: of each query the highest logit and 1 / Σ exp(logit - highest), `[B·heads, 2, M]`.
 */
const selfAttention: WasmKernel = {
  name: 'LLFSelfAttention',
  run: (call) => {
    const { host } = call;
    const qkv = inputOf(call, 'qkv');
    const bias = biasOf(call);
    if (!areFloats(qkv, bias)) return undefined;
    const sizes = sizesOf(qkv, call);
    const [batch, heads, tokens, depth] = sizes;
    const some = batch * tokens * depth > 0;
    return host.withScratch(some ? host.call('selfAttentionScratch', tokens, depth) : 0, (scratch) => {
      const context = host.output([batch, tokens, heads * depth]);
      const statistics = host.output([batch * heads, 2, tokens]);
      const pointers = [qkv, context, statistics].map((tensor) => host.pointer(tensor));
      if (some) host.call('selfAttention', ...pointers, bias ? host.pointer(bias) : 0, ...sizes, scratch);
      return [context, statistics];
    });
  },
};

/** `LLFSelfAttentionGrad`: what `LLFSelfAttention` takes and returns, and the gradient `dy` of the context → that of `qkv`. */
const selfAttentionGrad: WasmKernel = {
  name: 'LLFSelfAttentionGrad',
  run: (call) => {
    const { host } = call;
    const qkv = inputOf(call, 'qkv');
    const dy = inputOf(call, 'dy');
    const context = inputOf(call, 'context');
    const statistics = inputOf(call, 'statistics');
    const bias = biasOf(call);
    if (!areFloats(qkv, dy, context, statistics, bias)) return undefined;
    const sizes = sizesOf(qkv, call);
    const [batch, , tokens, depth] = sizes;
    const some = batch * tokens * depth > 0;
    return host.withScratch(some ? host.call('selfAttentionGradScratch', tokens, depth) : 0, (scratch) => {
      const gradient = host.output(qkv.shape);
      const pointers = [qkv, dy, context, statistics, gradient].map((tensor) => host.pointer(tensor));
      if (some) host.call('selfAttentionGrad', ...pointers, bias ? host.pointer(bias) : 0, ...sizes, scratch);
      return gradient;
    });
  },
};

export const attentionKernels: readonly WasmKernel[] = [selfAttention, selfAttentionGrad];
