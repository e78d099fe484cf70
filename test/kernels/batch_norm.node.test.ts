import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { expectSame, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

describe('FusedBatchNorm', () => {
  const cases = fc.record({
    shape: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 4 }),
    centre: fc.boolean(),
    scaled: fc.boolean(),
    seed: fc.nat(),
  });

  it('is that of cpu, with and without scale and offset, and so are its gradients with both', () => {
    fc.assert(
      fc.property(cases, ({ shape, centre, scaled, seed }) => {
        const channels = [shape[shape.length - 1] as number];
        expectSame(() => {
          const [offset, scale] = [tensorOf(channels, seed + 3), tensorOf(channels, seed + 4)];
          const run = (x: tf.Tensor, mean: tf.Tensor, spread: tf.Tensor): tf.Tensor =>
            tf.batchNorm(
              x,
              mean as tf.Tensor1D,
              tf.square(spread) as tf.Tensor1D,
              centre ? (offset as tf.Tensor1D) : undefined,
              scaled ? (scale as tf.Tensor1D) : undefined,
              0.05,
            );
          const inputs: [tf.Tensor, tf.Tensor, tf.Tensor] = [
            tensorOf(shape, seed),
            tensorOf(channels, seed + 1),
            tensorOf(channels, seed + 2),
          ];
          // Without a scale or an offset the gradient of tfjs throws.
          if (!centre || !scaled) return run(...inputs);
          const { value, grads } = tf.valueAndGrads((...all: tf.Tensor[]) => run(...(all as typeof inputs)))(inputs);
          return [value, ...grads];
        }, 3e-6);
      }),
      { numRuns: 200 },
    );
  });

  it('leaves statistics of every element to stock', () => {
    expectSame(() => {
      const shape = [2, 3, 3, 4];
      const [mean, variance] = [tensorOf(shape, 2) as tf.Tensor4D, tf.abs(tensorOf(shape, 3)) as tf.Tensor4D];
      return tf.batchNorm4d(tensorOf(shape, 1) as tf.Tensor4D, mean, variance);
    }, 3e-6);
  });
});
