import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classAttention, meanKeys, selfAttention } from '../../src/ops/attention.js';
import { onEachBackend } from '../setup/backends.js';
import { expectLaw, expectNear, plain, runs, toTensor } from './laws.js';

interface Sizes {
  batch: number;
  tokens: number;
  heads: number;
  depth: number;
}

const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  tokens: fc.integer({ min: 1, max: 4 }),
  heads: fc.integer({ min: 1, max: 3 }),
  depth: fc.integer({ min: 1, max: 3 }),
});

/** An entry of q (0), k (1) or v (2). */
function entry(qkv: number[], s: Sizes, part: number, sample: number, token: number, head: number, i: number): number {
  const dim = s.heads * s.depth;
  return qkv[(sample * s.tokens + token) * 3 * dim + part * dim + head * s.depth + i] as number;
}

/** Softmax of the scaled logits of one query. */
function weights(qkv: number[], s: Sizes, sample: number, query: number, head: number, bias?: number[]): number[] {
  const logits = Array.from({ length: s.tokens }, (_, key) => {
    let dot = 0;
    for (let i = 0; i < s.depth; i++) {
      dot += entry(qkv, s, 0, sample, query, head, i) * entry(qkv, s, 1, sample, key, head, i);
    }
    return dot / Math.sqrt(s.depth) + (bias?.[sample * s.tokens + key] ?? 0);
  });
  const exponentials = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}

function reference(qkv: number[], s: Sizes, bias?: number[]): number[] {
  const dim = s.heads * s.depth;
  return Array.from({ length: s.batch * s.tokens * dim }, (_, at) => {
    const [sample, query] = [Math.floor(at / dim / s.tokens), Math.floor(at / dim) % s.tokens];
    const [head, i] = [Math.floor((at % dim) / s.depth), at % s.depth];
    const shares = weights(qkv, s, sample, query, head, bias);
    return shares.reduce((sum, share, key) => sum + share * entry(qkv, s, 2, sample, key, head, i), 0);
  });
}

const packed = (s: Sizes) => plain([s.batch, s.tokens, 3 * s.heads * s.depth], 'qkv');

onEachBackend((backend) => {
  describe('selfAttention', () => {
    it('is softmax(q k / sqrt(d)) v for each head, with its gradient', () => {
      fc.assert(
        fc.property(sizes, (s) => {
          expectLaw({
            op: (qkv) => selfAttention(qkv as tf.Tensor, s.heads),
            reference: (qkv) => reference(qkv as number[], s),
            inputs: [packed(s)],
            shape: [s.batch, s.tokens, s.heads * s.depth],
          });
        }),
        runs(backend),
      );
    });

    it('adds a key bias to the logits of every query, with the gradient of qkv', () => {
      fc.assert(
        fc.property(sizes, (s) => {
          const bias = plain([s.batch, s.tokens], 'bias');
          const keyBias = toTensor(bias);
          expectLaw({
            op: (qkv) => selfAttention(qkv as tf.Tensor, s.heads, keyBias),
            reference: (qkv) => reference(qkv as number[], s, bias.values),
            inputs: [packed(s)],
            shape: [s.batch, s.tokens, s.heads * s.depth],
          });
          keyBias.dispose();
        }),
        runs(backend),
      );
    });

    it('stays finite for large logits', () => {
      const s = { batch: 1, tokens: 3, heads: 1, depth: 2 };
      const qkv = tf.mul(toTensor(packed(s)), 1e3);
      const gradient = tf.grad((x) => tf.sum(selfAttention(x, 1)))(qkv);
      for (const one of [selfAttention(qkv, 1), gradient]) expect(one.dataSync().every(Number.isFinite)).toBe(true);
    });
  });

  describe('classAttention and meanKeys', () => {
    it('average over heads what the first token attends to, and the keys', () => {
      fc.assert(
        fc.property(sizes, (s) => {
          const { values } = packed(s);
          const { numTensors } = tf.memory();
          const qkv = toTensor(packed(s));
          const attention = classAttention(qkv, s.heads);
          const keys = meanKeys(qkv, s.heads);
          expect(tf.memory().numTensors).toBe(numTensors + 3);
          expect(attention.shape).toEqual([s.batch, s.tokens]);
          expect(keys.shape).toEqual([s.batch, s.tokens, s.depth]);
          const perHead = (f: (head: number) => number): number =>
            Array.from({ length: s.heads }, (_, head) => f(head)).reduce((sum, value) => sum + value, 0) / s.heads;
          expectNear(
            attention,
            Array.from({ length: s.batch * s.tokens }, (_, at) =>
              perHead((h) => weights(values, s, Math.floor(at / s.tokens), 0, h)[at % s.tokens] as number),
            ),
          );
          expectNear(
            keys,
            Array.from({ length: s.batch * s.tokens * s.depth }, (_, at) => {
              const row = Math.floor(at / s.depth);
              const [sample, token] = [Math.floor(row / s.tokens), row % s.tokens];
              return perHead((head) => entry(values, s, 1, sample, token, head, at % s.depth));
            }),
          );
          tf.dispose([qkv, attention, keys]);
        }),
        runs(backend),
      );
    });
  });
});
