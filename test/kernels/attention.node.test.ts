import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryOf, type WasmBackend } from '../../src/kernels/wasm/backend.js';
import { selfAttention } from '../../src/ops/attention.js';
import { computeOn, expectSame, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

interface Sizes {
  batch: number;
  tokens: number;
  heads: number;
  depth: number;
  /** Factor of all numbers, so that softmax is flat or peaked. */
  spread: number;
  bias: boolean;
  seed: number;
}

const sizes: fc.Arbitrary<Sizes> = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  tokens: fc.oneof(fc.integer({ min: 1, max: 26 }), fc.integer({ min: 1, max: 60 })),
  heads: fc.integer({ min: 1, max: 3 }),
  depth: fc.integer({ min: 1, max: 18 }),
  spread: fc.constantFrom(0.01, 1, 5),
  bias: fc.boolean(),
  seed: fc.nat({ max: 1e6 }),
});

/** Zeros, or -infinity for some keys, as a mask has it; never for the first, so that one is left. */
function biasOf({ batch, tokens, seed }: Sizes): tf.Tensor {
  const shown = tf.logicalOr(tf.equal(tf.range(0, tokens), 0), tf.greater(tensorOf([batch, tokens], seed + 1), 0));
  return tf.where(shown, tensorOf([batch, tokens], seed + 2), tf.fill([batch, tokens], Number.NEGATIVE_INFINITY));
}

/** The context, and the gradient for a random gradient of it. */
function attend(s: Sizes): tf.Tensor[] {
  const dim = s.heads * s.depth;
  const qkv = tf.mul(tensorOf([s.batch, s.tokens, 3 * dim], s.seed), s.spread);
  const dy = tensorOf([s.batch, s.tokens, dim], s.seed + 3);
  const keyBias = s.bias ? biasOf(s) : undefined;
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => selfAttention(x, s.heads, keyBias))(qkv, dy);
  return [value, grad];
}

const plain = { batch: 1, heads: 1, spread: 1, bias: false, seed: 1 };

describe('LLFSelfAttention', () => {
  it('equals the composed operation of cpu, and so does its gradient', () => {
    fc.assert(
      fc.property(sizes, (s) => expectSame(() => attend(s), 1e-5)),
      { numRuns: 500 },
    );
  });

  it('equals it at the sizes of a ViT, with deep heads, and for more queries and keys than a step takes', () => {
    for (const s of [
      { ...plain, tokens: 197, heads: 3, depth: 64 },
      { ...plain, batch: 2, tokens: 49, heads: 2, depth: 64, bias: true },
      { ...plain, tokens: 5, depth: 300 },
      { ...plain, tokens: 400, depth: 5, bias: true },
      { ...plain, tokens: 523, depth: 6, spread: 5 },
    ])
      expectSame(() => attend(s), 1e-5);
  });

  it('attends one token to itself', () => {
    const [context] = computeOn('wasm', () => selfAttention(tf.tensor3d([[[3, -2, 7]]]), 1));
    expect(context).toEqual({ shape: [1, 1, 1], dtype: 'float32', values: [7] });
  });

  it('returns no tokens, no samples where there are none', () => {
    for (const s of [
      { ...plain, batch: 0, tokens: 3, heads: 2, depth: 4 },
      { ...plain, tokens: 0, heads: 2, depth: 4 },
    ]) {
      const results = computeOn('wasm', () => attend(s));
      const dim = s.heads * s.depth;
      expect(results.map(({ shape }) => shape)).toEqual([dim, 3 * dim].map((width) => [s.batch, s.tokens, width]));
    }
  });

  it('gives a key of bias -infinity no share and no gradient', () => {
    const qkv = tensorOf([1, 4, 6], 5);
    const bias = tf.tensor2d([[0, Number.NEGATIVE_INFINITY, 0, -1e9]]);
    const [grad] = computeOn('wasm', () => tf.grad((x: tf.Tensor) => selfAttention(x, 2, bias))(qkv));
    for (const key of [1, 3]) expect(grad?.values.slice(key * 6 + 2, key * 6 + 6)).toEqual([0, 0, 0, 0]);
    expect(grad?.values.slice(2, 6).some((value) => value !== 0)).toBe(true);
    tf.dispose([qkv, bias]);
  });

  it('passes over keys that are all masked, even those of a whole step', () => {
    expectSame(() => {
      const bias = tf.concat([tf.fill([1, 300], Number.NEGATIVE_INFINITY), tf.zeros([1, 300])], 1);
      return [selfAttention(tensorOf([1, 600, 6], 4), 1, bias)];
    }, 1e-5);
  });

  it('is finite for logits of any size, and lets NaN be seen', () => {
    const sum = (factor: number) => tf.mul(tensorOf([1, 20, 12], 3), factor);
    const results = computeOn('wasm', () => [
      selfAttention(sum(1e10), 2),
      tf.grad((x: tf.Tensor) => selfAttention(x, 2))(sum(1e6)),
      selfAttention(sum(Number.NaN), 2),
    ]);
    const finite = results.map(({ values }) => values.filter(Number.isFinite).length / values.length);
    expect(finite).toEqual([1, 1, 0]);
  });

  it('computes the gradient with the composed operation when the kernel is gone', () => {
    const s = { ...plain, batch: 2, tokens: 5, heads: 2, depth: 3, bias: true };
    const kernel = tf.getKernel('LLFSelfAttentionGrad', 'wasm');
    const [, expected] = computeOn('wasm', () => attend(s));
    tf.unregisterKernel('LLFSelfAttentionGrad', 'wasm');
    const [, grad] = computeOn('wasm', () => attend(s));
    tf.registerKernel(kernel);
    const differences = (grad?.values ?? [Number.NaN]).map((value, i) => Math.abs(value - (expected?.values[i] ?? 0)));
    expect(Math.max(...differences)).toBeLessThan(1e-5);
  });

  it('holds tensors in proportion to the tokens, never the matrix of all logits', async () => {
    await tf.setBackend('wasm');
    const peak = async (tokens: number): Promise<number> => {
      const s = { ...plain, tokens, heads: 2, depth: 2, bias: true };
      const before = tf.memory().numBytes;
      const { peakBytes } = await tf.profile(() => tf.tidy(() => tf.dispose(attend(s))));
      return peakBytes - before;
    };
    const [one, two, three] = [await peak(100), await peak(200), await peak(300)];
    expect(three - two).toBe(two - one);
    expect(three).toBeLessThan(300 * 300 * 4);
  });

  it('takes long sequences, in less memory than their matrix of logits', async () => {
    const tokens = 4096;
    await tf.setBackend('wasm');
    const memory = memoryOf(tf.backend() as unknown as WasmBackend);
    const before = memory?.buffer.byteLength ?? Number.NaN;
    const shape: [number, number, number] = [1, tokens, 24];
    // Equal keys: each query takes the mean of the values; so the gradient of a value is the mean of those of the contexts.
    const [context, grad] = computeOn('wasm', () => {
      const [q, , v] = tf.split(tensorOf(shape, 9), 3, 2) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const qkv = tf.concat([q, tf.onesLike(q), v], 2);
      const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => selfAttention(x, 1))(qkv, tf.onesLike(v));
      const mean = tf.mean(v, 1, true);
      return [tf.sub(value, mean), tf.sub(tf.slice(grad, [0, 0, 16], [1, tokens, 8]), 1)];
    });
    for (const { values } of [context, grad].filter((x) => x !== undefined))
      expect(values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeLessThan(1e-5);
    expect((memory?.buffer.byteLength ?? Number.NaN) - before).toBeLessThan(tokens * tokens * 4);
  });
});
