import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnSums } from '../../src/ops/linear.js';
import { computeOn, expectClose, expectSame, numbers, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

/** Expects the same of both backends, next to the numbers that were added, which lie in [-1, 1). */
function expectSameSums(compute: () => tf.Tensor): void {
  expectClose(computeOn('wasm', compute), computeOn('cpu', compute));
}

/** Sums and means of tfjs, over axes. */
const REDUCTIONS = { sum: tf.sum, mean: tf.mean };

describe.each(Object.entries(REDUCTIONS))('%s', (_name, reduce) => {
  it('is that of cpu over any axes, kept or not, and so is its gradient', () => {
    const cases = fc.record({
      shape: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 5 }),
      bits: fc.nat(31),
      keepDims: fc.boolean(),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(cases, ({ shape, bits, keepDims, seed }) => {
        const axes = shape.map((_, axis) => axis).filter((axis) => (bits >> axis) % 2 === 1);
        // Stock leaves sums of nothing as they lie in memory, where an axis that stays is between the reduced ones.
        fc.pre(!shape.includes(0) || axes.every((axis, i) => axis === (axes[0] as number) + i));
        expectSameSums(() => reduce(tensorOf(shape, seed), axes, keepDims));
        if (shape.includes(0)) return;
        expectSameSums(() => tf.grad((x) => tf.square(reduce(x, axes, keepDims)))(tensorOf(shape, seed)));
      }),
      { numRuns: 400 },
    );
  });

  it('takes wide and long arrays', () => {
    const size = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(size, size, size, fc.nat(2), fc.nat(), (a, b, c, axis, seed) => {
        expectSameSums(() => reduce(tensorOf([a, b, c], seed), axis));
      }),
      { numRuns: 100 },
    );
  });

  it('leaves int32 to the stock kernel', () => {
    expectSame(() => reduce(tf.cast(tf.mul(tensorOf([3, 5], 1), 100), 'int32'), 0), 1e-6);
  });

  it('keeps infinity and NaN', () => {
    expectSame(() => reduce(tf.tensor([1, Number.NaN, Number.POSITIVE_INFINITY, 4, 5, 6], [2, 3]), 0));
    expectSame(() => reduce(tf.tensor([1, Number.NaN, 3, Number.POSITIVE_INFINITY, 5, 6], [2, 3]), 1));
  });
});

it('adds many numbers of one sign within 1e-6, where one running sum would lose 1e-4', () => {
  const count = 1_000_000;
  const values = numbers(count, 3).map((value) => value + 2);
  const exact = values.reduce((total, value) => total + value, 0);
  const [all] = computeOn('wasm', () => tf.sum(tf.tensor1d(values)));
  expect(Math.abs((all?.values[0] as number) / exact - 1)).toBeLessThan(1e-6);
  const [columns] = computeOn('wasm', () => tf.sum(tf.reshape(tf.tensor1d(values), [count / 20, 20]), 0));
  const total = columns?.values.reduce((sum, value) => sum + value, 0) as number;
  expect(Math.abs(total / exact - 1)).toBeLessThan(1e-6);
});

it('sums columns as the composed operation does', () => {
  const size = fc.integer({ min: 0, max: 60 });
  fc.assert(
    fc.property(size, size, fc.nat(), (rows, columns, seed) => {
      fc.pre(rows > 0 || columns === 0);
      expectSameSums(() => columnSums(tensorOf([rows, columns], seed)));
    }),
    { numRuns: 200 },
  );
});
