import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/core/random.js';
import { gatherTokens, inversePermutation, permuteTokens, takeTokens } from '../../src/ops/gather_tokens.js';
import { onEachBackend } from '../setup/backends.js';
import { expectLaw, plain, runs, toTensor } from './laws.js';

const shape = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  tokens: fc.integer({ min: 1, max: 5 }),
  dim: fc.integer({ min: 1, max: 3 }),
  seed: fc.nat({ max: 1000 }),
});

/** Rows of `x [B, M, D]` by indices `[B, K]`. */
function taken(x: number[], indices: number[][], tokens: number, dim: number): number[] {
  return indices.flatMap((row, sample) =>
    row.flatMap((index) => x.slice((sample * tokens + index) * dim, (sample * tokens + index + 1) * dim)),
  );
}

const int32 = (rows: number[][]): tf.Tensor => tf.tensor2d(rows, [rows.length, rows[0]?.length ?? 0], 'int32');

onEachBackend((backend) => {
  describe('gatherTokens', () => {
    it('takes tokens, repeated or left out, and sums the gradients of the copies', () => {
      fc.assert(
        fc.property(shape, fc.integer({ min: 1, max: 6 }), ({ batch, tokens, dim, seed }, count) => {
          const stream = randomStream(seed, 'indices');
          const rows = Array.from({ length: batch }, () => Array.from({ length: count }, () => stream.integer(tokens)));
          const indices = int32(rows);
          expectLaw({
            op: (x) => gatherTokens(x as tf.Tensor, indices),
            reference: (x) => taken(x as number[], rows, tokens, dim),
            inputs: [plain([batch, tokens, dim], 'x')],
            shape: [batch, count, dim],
          });
          indices.dispose();
        }),
        runs(backend),
      );
    });
  });

  describe('permuteTokens', () => {
    it('reorders, and its gradient by the inverse; the inverse permutation brings all back', () => {
      fc.assert(
        fc.property(shape, ({ batch, tokens, dim, seed }) => {
          const stream = randomStream(seed, 'order');
          const rows = Array.from({ length: batch }, () => Array.from(stream.permutation(tokens)));
          const order = int32(rows);
          const x = plain([batch, tokens, dim], 'x');
          expectLaw({
            op: (x) => permuteTokens(x as tf.Tensor, order),
            reference: (x) => taken(x as number[], rows, tokens, dim),
            inputs: [x],
            shape: [batch, tokens, dim],
          });
          const { numTensors } = tf.memory();
          const inverse = inversePermutation(order);
          expect(tf.memory().numTensors).toBe(numTensors + 1);
          expect(inverse.dtype).toBe('int32');
          tf.tidy(() => {
            const back = permuteTokens(permuteTokens(toTensor(x), order), inverse);
            expect(Array.from(back.dataSync())).toEqual(x.values);
          });
          tf.dispose([order, inverse]);
        }),
        runs(backend),
      );
    });
  });

  describe('takeTokens', () => {
    it('keeps the type and any trailing shape', () => {
      const ids = tf.tensor2d([10, 11, 12, 20, 21, 22], [2, 3], 'int32');
      const indices = int32([
        [2, 0],
        [1, 1],
      ]);
      const { numTensors } = tf.memory();
      const flat = takeTokens(ids, indices);
      expect(tf.memory().numTensors).toBe(numTensors + 1);
      expect(flat.dtype).toBe('int32');
      expect(flat.arraySync()).toEqual([
        [12, 10],
        [21, 21],
      ]);
      const deep = takeTokens(tf.reshape(tf.range(0, 24), [2, 3, 2, 2]), indices);
      expect(deep.shape).toEqual([2, 2, 2, 2]);
      expect(Array.from(deep.dataSync())).toEqual([8, 9, 10, 11, 0, 1, 2, 3, 16, 17, 18, 19, 16, 17, 18, 19]);
    });
  });
});
