import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { expectSame, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

describe('Tile', () => {
  it('is that of cpu for every rank, both dtypes and no copies at all', () => {
    const axis = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.nat({ max: 4 }));
    const cases = fc.array(axis, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(cases, fc.constantFrom('float32', 'int32'), fc.nat(), (axes, dtype, seed) => {
        const shape = axes.map(([size]) => size);
        const reps = axes.map(([, copies]) => copies);
        if (tf.util.sizeFromShape(shape) * tf.util.sizeFromShape(reps) > 20000) return;
        expectSame(() => tf.tile(tf.cast(tf.mul(tensorOf(shape, seed), 1000), dtype), reps));
      }),
      { numRuns: 300 },
    );
  });

  it('has the gradient of cpu', () => {
    expectSame(() => tf.grad((x) => tf.square(tf.tile(x, [2, 3])))(tensorOf([4, 3], 1)), 1e-6);
  });
});
