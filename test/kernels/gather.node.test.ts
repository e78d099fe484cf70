import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherTokens, permuteTokens, takeTokens } from '../../src/ops/gather_tokens.js';
import { expectSame, numbers, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

/** `count` integers in [low, high). */
function integers(count: number, low: number, high: number, seed: number): Int32Array {
  return Int32Array.from(numbers(count, seed), (value) => low + Math.floor(((value + 1) / 2) * (high - low)));
}

const shapes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });

describe('GatherV2', () => {
  it('is that of cpu along every axis, with indices of any shape, for both dtypes', () => {
    const cases = shapes.chain((shape) => fc.tuple(fc.constant(shape), fc.nat({ max: shape.length - 1 })));
    const places = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        cases,
        places,
        fc.constantFrom('float32', 'int32'),
        fc.nat(),
        ([shape, axis], places, dtype, seed) => {
          expectSame(() => {
            const x = tf.cast(tf.mul(tensorOf(shape, seed), 1000), dtype);
            const count = tf.util.sizeFromShape(places);
            return tf.gather(x, tf.tensor(integers(count, 0, shape[axis] ?? 1, seed), places, 'int32'), axis);
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is that of cpu for indices per sample', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 6 }), fc.nat(), (rest, count, seed) => {
        const [batch, tokens] = [3, 5];
        expectSame(() => {
          const indices = tf.tensor(integers(batch * count, 0, tokens, seed), [batch, count], 'int32');
          return tf.gather(tensorOf([batch, tokens, ...rest.slice(0, 2)], seed), indices, 1, 1);
        });
      }),
    );
  });

  it('copies long rows', () => {
    expectSame(() => tf.gather(tensorOf([20, 390], 1), tf.tensor1d([3, 19, 0, 3], 'int32')));
  });

  it('names an index outside, as stock does', () => {
    for (const wrong of [-1, 5])
      expect(() => tf.tidy(() => tf.gather(tensorOf([5, 2], 1), tf.tensor1d([0, wrong], 'int32')))).toThrow(
        `GatherV2: the index value ${wrong} is not in [0, 4]`,
      );
  });

  it('has the gradient of cpu', () => {
    const indices = () => tf.tensor1d([3, 1, 3, 0, 3], 'int32');
    for (const axis of [0, 1, 2])
      expectSame(() => tf.grad((x) => tf.square(tf.gather(x, indices(), axis)))(tensorOf([4, 4, 4], axis)), 1e-6);
  });
});

describe('UnsortedSegmentSum', () => {
  it('is that of cpu for any rank; ids that are no segment are passed over', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 6 }), fc.nat(), (shape, segments, seed) => {
        expectSame(() => {
          const ids = tf.tensor1d(integers(shape[0] ?? 1, -1, segments + 1, seed), 'int32');
          return tf.unsortedSegmentSum(tensorOf(shape, seed), ids, segments);
        }, 1e-6);
      }),
      { numRuns: 300 },
    );
  });

  it('has the gradient of cpu', () => {
    const ids = () => tf.tensor1d([2, 0, 2, -1], 'int32');
    expectSame(() => tf.grad((x) => tf.square(tf.unsortedSegmentSum(x, ids(), 3)))(tensorOf([4, 5], 1)), 1e-6);
  });
});

describe('tokens', () => {
  const cases = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    tokens: fc.integer({ min: 1, max: 9 }),
    count: fc.integer({ min: 1, max: 9 }),
    dim: fc.integer({ min: 1, max: 9 }),
    seed: fc.nat(),
  });

  it('are taken as on cpu, with the same gradient', () => {
    fc.assert(
      fc.property(cases, ({ batch, tokens, count, dim, seed }) => {
        const indices = () => tf.tensor(integers(batch * count, 0, tokens, seed), [batch, count], 'int32');
        expectSame(() => takeTokens(tensorOf([batch, tokens, dim], seed), indices()));
        expectSame(() =>
          takeTokens(tf.tensor(integers(batch * tokens, 0, 99, seed), [batch, tokens], 'int32'), indices()),
        );
        expectSame(() => {
          const { value, grad } = tf.valueAndGrad((x) => tf.square(gatherTokens(x, indices())))(
            tensorOf([batch, tokens, dim], seed),
          );
          return [value, grad];
        }, 1e-6);
      }),
    );
  });

  it('are permuted as on cpu, with the same gradient', () => {
    fc.assert(
      fc.property(cases, ({ batch, tokens, dim, seed }) => {
        const order = () => tf.topk(tensorOf([batch, tokens], seed), tokens).indices;
        expectSame(() => {
          const { value, grad } = tf.valueAndGrad((x) => tf.square(permuteTokens(x, order())))(
            tensorOf([batch, tokens, dim], seed + 1),
          );
          return [value, grad];
        });
      }),
    );
  });

  it('name an index outside of their sample', () => {
    void tf.setBackend('wasm');
    for (const wrong of [-1, 4])
      expect(() =>
        tf.tidy(() => takeTokens(tensorOf([2, 4, 3], 1), tf.tensor2d([[0], [wrong]], [2, 1], 'int32'))),
      ).toThrow(`takeTokens: indices must be in [0, 3], received ${wrong}.`);
  });
});
