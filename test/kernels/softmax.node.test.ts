import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeOn, expectSame, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

describe('Softmax', () => {
  it('equals that of cpu, with its gradient, for any rank and any spread of the logits', () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(shapes, fc.constantFrom(0.1, 1, 30, 1000), fc.nat({ max: 1e6 }), (shape, spread, seed) => {
        expectSame(() => {
          const logits = tf.mul(tensorOf(shape, seed), spread);
          const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => tf.softmax(x))(logits, tensorOf(shape, seed + 1));
          // Beside a one, since the gradient of a share near 1 is the small difference of two shares.
          return [value, tf.concat([tf.reshape(grad, [-1]), tf.ones([1])])];
        }, 1e-6);
      }),
      { numRuns: 500 },
    );
  });

  it('is within a few units in the last place of float64', () => {
    const rows = fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(rows, (row) => {
        const [shares] = computeOn('wasm', () => tf.softmax(tf.tensor1d(row)));
        const highest = row.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY);
        const exponentials = row.map((x) => Math.exp(Math.fround(x - highest)));
        const total = exponentials.reduce((sum, x) => sum + x, 0);
        const worst = exponentials.reduce((most, x, i) => {
          return Math.max(most, Math.abs(((shares?.values[i] ?? 0) * total) / x - 1));
        }, 0);
        expect(worst).toBeLessThan(6 * 2 ** -23);
      }),
      { numRuns: 300 },
    );
  });

  it('returns zeros where the logit is -infinity, NaN in a row that holds NaN', () => {
    const { NaN: nan, NEGATIVE_INFINITY: low } = Number;
    const rows = [
      [0, low, 0, low, low, low],
      [1, 2, nan, 3, 4, 5],
      [nan, 2, 1, 3, 4, 5],
      [1, 2, 1, 3, 4, nan],
    ];
    const [shares] = computeOn('wasm', () => tf.softmax(tf.tensor2d(rows)));
    expect(shares?.values).toEqual([0.5, 0, 0.5, 0, 0, 0, ...Array(18).fill(nan)]);
  });

  it('takes no rows and no columns', () => {
    expectSame(() => tf.softmax(tf.zeros([0, 3])));
    expectSame(() => tf.softmax(tf.zeros([3, 0])));
  });
});
