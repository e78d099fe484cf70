import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectSame, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

const shapes = (maxLength: number) =>
  fc
    .array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength })
    .filter((shape) => tf.util.sizeFromShape(shape) < 20000);
const dtypes = fc.constantFrom('float32' as const, 'int32' as const);

describe('Slice', () => {
  it('is that of cpu for every rank, part and both dtypes', () => {
    const parts = shapes(6).chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.tuple(...shape.map((size) => fc.tuple(fc.nat({ max: size - 1 }), fc.nat({ max: size })))),
      ),
    );
    fc.assert(
      fc.property(parts, dtypes, fc.nat(), ([shape, cuts], dtype, seed) => {
        const begin = cuts.map(([first]) => first);
        const size = cuts.map(([first, count], axis) => Math.min(count, (shape[axis] ?? 0) - first));
        expectSame(() => tf.slice(tf.cast(tf.mul(tensorOf(shape, seed), 1000), dtype), begin, size));
      }),
      { numRuns: 300 },
    );
  });

  it('takes -1 as the rest, and refuses a part outside', () => {
    expectSame(() => tf.slice(tensorOf([4, 6, 5], 1), [1, 2, 0], [-1, 3, -1]));
    expectSame(() => tf.slice(tensorOf([4, 6, 5], 1), 2));
    expect(() => tf.tidy(() => tf.slice(tensorOf([4, 6], 1), [1, 3], [2, 4]))).toThrow(/begin\[1\] \+ size\[1\]/);
  });

  it('has the gradient of cpu', () => {
    expectSame(() => tf.grad((x) => tf.slice(x, [0, 1, 2], [2, 3, 3]))(tensorOf([2, 5, 6], 1)));
  });
});

describe('Concat', () => {
  it('is that of cpu along every axis, for empty parts too', () => {
    const stacks = shapes(5).chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.nat({ max: shape.length - 1 }),
        fc.array(fc.nat({ max: 9 }), { minLength: 2, maxLength: 4 }),
      ),
    );
    fc.assert(
      fc.property(stacks, dtypes, fc.nat(), ([shape, axis, counts], dtype, seed) => {
        expectSame(() =>
          tf.concat(
            counts.map((count, i) => {
              const part = shape.map((size, other) => (other === axis ? count : size));
              return tf.cast(tf.mul(tensorOf(part, seed + i), 1000), dtype);
            }),
            axis,
          ),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('has the gradient of cpu', () => {
    expectSame(() =>
      tf.grads((a, b) => tf.square(tf.concat([a, b], 2)))([tensorOf([2, 3, 4], 1), tensorOf([2, 3, 5], 2)]),
    );
  });
});

describe('SplitV and Unpack', () => {
  it('are those of cpu along every axis', () => {
    const cases = shapes(5).chain((shape) => fc.tuple(fc.constant(shape), fc.nat({ max: shape.length - 1 })));
    fc.assert(
      fc.property(cases, dtypes, fc.nat(), ([shape, axis], dtype, seed) => {
        const x = () => tf.cast(tf.mul(tensorOf(shape, seed), 1000), dtype);
        const size = shape[axis] ?? 1;
        expectSame(() => tf.unstack(x(), axis));
        expectSame(() => tf.split(x(), size, axis));
        expectSame(() => tf.split(x(), [seed % (size + 1), size - (seed % (size + 1))], axis));
      }),
    );
  });

  it('have the gradients of cpu', () => {
    const weighted = (parts: tf.Tensor[]) => tf.addN(parts.map((part, i) => tf.mul(part, i + 1)));
    expectSame(() => tf.grad((x) => weighted(tf.unstack(x, 1)))(tensorOf([3, 4, 2], 1)));
    expectSame(() => tf.grad((x) => weighted(tf.split(x, 2, 2)))(tensorOf([3, 4, 6], 1)));
  });
});
