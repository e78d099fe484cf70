import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectSame, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

const permutation = (rank: number) =>
  fc.shuffledSubarray(
    Array.from({ length: rank }, (_, axis) => axis),
    { minLength: rank },
  );

describe('Transpose', () => {
  it('is that of cpu for every rank, permutation and both dtypes', () => {
    const layouts = fc
      .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 })
      .filter((shape) => tf.util.sizeFromShape(shape) < 20000)
      .chain((shape) => fc.tuple(fc.constant(shape), permutation(shape.length), fc.constantFrom('float32', 'int32')));
    fc.assert(
      fc.property(layouts, fc.nat(), ([shape, perm, dtype], seed) => {
        expectSame(() => tf.transpose(tf.cast(tf.mul(tensorOf(shape, seed), 1000), dtype), perm));
      }),
      { numRuns: 400 },
    );
  });

  it('is that of cpu for matrices around the block sizes', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 60, max: 135 }));
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 3 }), fc.nat(), (rows, columns, batch, seed) => {
        expectSame(() => tf.transpose(tensorOf([batch, rows, columns], seed), [0, 2, 1]));
      }),
    );
  });

  it('splits and merges attention heads, and takes axes of rank 5 and 6', () => {
    expectSame(() => tf.transpose(tensorOf([2, 7, 3, 64], 1), [0, 2, 1, 3]));
    expectSame(() => tf.transpose(tensorOf([2, 7, 3, 3, 132], 2), [2, 0, 3, 1, 4]));
    expectSame(() => tf.transpose(tensorOf([2, 3, 4, 5, 6, 7], 3), [5, 3, 1, 4, 2, 0]));
    expectSame(() => tf.transpose(tensorOf([2, 4, 5, 3, 5, 3], 4), [0, 1, 3, 2, 4, 5]));
  });

  it('leaves bool to stock', () => {
    expectSame(() => tf.transpose(tf.cast(tf.greater(tensorOf([3, 5], 1), 0), 'bool')));
  });
});

describe('Identity', () => {
  it('shares the values of every numeric dtype until the last tensor is disposed', () => {
    void tf.setBackend('wasm');
    for (const dtype of ['float32', 'int32', 'bool'] as const) {
      const { numTensors, numDataBuffers, numBytes } = tf.memory();
      const x = tf.tensor1d([1, 0, 1], dtype);
      const same = tf.clone(x);
      const column = tf.reshape(same, [1, 3, 1]);
      const moved = tf.transpose(column, [2, 1, 0]);
      expect(tf.memory().numDataBuffers).toBe(numDataBuffers + (dtype === 'bool' ? 2 : 1));
      x.dispose();
      expect([...same.dataSync()]).toEqual([1, 0, 1]);
      same.dispose();
      expect([...moved.dataSync()]).toEqual([1, 0, 1]);
      tf.dispose([column, moved]);
      expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
    }
  });
});
