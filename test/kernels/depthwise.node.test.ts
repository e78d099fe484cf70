import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { expectSame, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

const size = (max: number) => fc.integer({ min: 1, max });
const cases = fc.record({
  image: fc.tuple(size(3), fc.integer({ min: 3, max: 9 }), fc.integer({ min: 3, max: 9 }), size(37)),
  filter: fc.tuple(size(3), size(3)),
  multiplier: size(3),
  strides: fc.tuple(size(3), size(3)),
  pad: fc.constantFrom('same' as const, 'valid' as const),
  seed: fc.nat(),
});

type Case = typeof cases extends fc.Arbitrary<infer Value> ? Value : never;

/** Both gradients for a random slope: without the forward pass, which stock gets wrong for windows smaller than a stride. */
function gradients({ image, filter, multiplier, strides, pad, seed }: Case): tf.Tensor[] {
  const filterShape: [number, number, number, number] = [...filter, image[3], multiplier];
  const { outShape } = tf.backend_util.computeConv2DInfo(image, filterShape, strides, 1, pad, undefined, true);
  const dy = tensorOf(outShape, seed);
  const attrs = { strides, pad, dilations: [1, 1] };
  const run = (name: string, inputs: Record<string, tf.Tensor>, more: Record<string, number[]>): tf.Tensor =>
    tf.engine().runKernel(name, inputs, { ...attrs, ...more }) as tf.Tensor;
  return [
    run('DepthwiseConv2dNativeBackpropFilter', { x: tensorOf(image, seed + 1), dy }, { filterShape }),
    run('DepthwiseConv2dNativeBackpropInput', { dy, filter: tensorOf(filterShape, seed + 2) }, { inputShape: image }),
  ];
}

describe('gradients of depthwiseConv2d', () => {
  it('are those of cpu for all sizes, strides, paddings and multipliers', () => {
    fc.assert(
      fc.property(cases, (one) => {
        expectSame(() => gradients(one), 2e-6);
      }),
      { numRuns: 300 },
    );
  });

  it('are those of cpu for a padding in numbers, and for separableConv2d', () => {
    expectSame(
      () =>
        tf.grads((x, w) => tf.square(tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 2)))([
          tensorOf([2, 6, 6, 5], 1),
          tensorOf([3, 3, 5, 2], 2),
        ]),
      2e-6,
    );
    expectSame(
      () =>
        tf.grads((x, w, p) =>
          tf.square(tf.separableConv2d(x as tf.Tensor4D, w as tf.Tensor4D, p as tf.Tensor4D, 1, 'same')),
        )([tensorOf([2, 6, 5, 4], 1), tensorOf([3, 3, 4, 2], 2), tensorOf([1, 1, 8, 6], 3)]),
      2e-6,
    );
  });
});
