import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { computeOn, expectClose, expectSame, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

const size = (max: number) => fc.integer({ min: 1, max });
const border = fc.nat({ max: 2 });
const cases = fc.record({
  image: fc.tuple(size(3), fc.integer({ min: 3, max: 9 }), fc.integer({ min: 3, max: 9 }), size(6)),
  filter: fc.tuple(size(3), size(3)),
  // A stock kernel takes the forward pass to few channels.
  outChannels: fc.oneof(size(6), fc.integer({ min: 33, max: 37 })),
  strides: fc.tuple(size(3), size(3)),
  pad: fc.oneof(
    fc.constantFrom('same' as const, 'valid' as const),
    fc
      .tuple(border, border, border, border)
      .map(([top, bottom, left, right]): [[0, 0], [number, number], [number, number], [0, 0]] => [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ]),
  ),
  seed: fc.nat(),
});

type Case = typeof cases extends fc.Arbitrary<infer Value> ? Value : never;

/** A convolution with a bias and an activation. */
function fused(
  { image, filter, outChannels, strides, pad, seed }: Case,
  activation: 'relu' | 'elu' | 'linear',
): tf.Tensor {
  return tf.fused.conv2d({
    x: tensorOf(image, seed) as tf.Tensor4D,
    filter: tensorOf([...filter, image[3], outChannels], seed + 1) as tf.Tensor4D,
    bias: tensorOf([outChannels], seed + 2),
    strides,
    pad: pad as 'same',
    activation,
  });
}

describe('conv2d', () => {
  it('is that of cpu for all sizes, strides, paddings and activations, also where windows are smaller than a stride', () => {
    fc.assert(
      fc.property(cases, fc.constantFrom('relu', 'elu', 'linear'), (one, activation) => {
        const compute = () => {
          const { image, filter, outChannels, strides, pad, seed } = one;
          const w = tensorOf([...filter, image[3], outChannels], seed + 1) as tf.Tensor4D;
          const plain = tf.conv2d(tensorOf(image, seed) as tf.Tensor4D, w, strides, pad as 'same');
          return [plain, fused(one, activation)];
        };
        expectClose(computeOn('wasm', compute), computeOn('cpu', compute));
      }),
      { numRuns: 300 },
    );
  });

  it('is that of cpu with prelu, leakyrelu, dilation and an image without a batch', () => {
    const x = () => tensorOf([2, 7, 8, 3], 1) as tf.Tensor4D;
    const filter = () => tensorOf([3, 3, 3, 5], 2) as tf.Tensor4D;
    expectSame(() => tf.conv2d(x(), filter(), 1, 'same', 'NHWC', 2), 2e-6);
    expectSame(() => tf.conv2d(tensorOf([7, 8, 3], 1) as tf.Tensor3D, filter(), 2, 'valid'), 2e-6);
    const activate = (more: object) =>
      tf.fused.conv2d({ x: x(), filter: filter(), bias: tensorOf([5], 3), strides: 1, pad: 'same', ...more });
    expectSame(() => activate({ activation: 'prelu', preluActivationWeights: tensorOf([5], 4) }), 2e-6);
    expectSame(() => activate({ activation: 'leakyrelu', leakyreluAlpha: 0.3 }), 2e-6);
  });

  it('is that of cpu with the channels first', () => {
    expectSame(() => {
      const x = tensorOf([2, 3, 7, 5], 1) as tf.Tensor4D;
      return tf.conv2d(x, tensorOf([3, 2, 3, 4], 2) as tf.Tensor4D, [2, 1], 'same', 'NCHW');
    }, 2e-6);
  });
});

/** Both gradients for a random slope. */
function gradients({ image, filter, outChannels, strides, pad, seed }: Case): tf.Tensor[] {
  const filterShape: [number, number, number, number] = [...filter, image[3], outChannels];
  const { outShape } = tf.backend_util.computeConv2DInfo(image, filterShape, strides, 1, pad);
  const dy = tensorOf(outShape, seed);
  const attrs = { strides, pad, dataFormat: 'NHWC' as const };
  const run = (name: string, inputs: Record<string, tf.Tensor>, more: Record<string, number[]>): tf.Tensor =>
    tf.engine().runKernel(name, inputs, { ...attrs, ...more }) as tf.Tensor;
  return [
    run('Conv2DBackpropFilter', { x: tensorOf(image, seed + 1), dy }, { filterShape }),
    run('Conv2DBackpropInput', { dy, filter: tensorOf(filterShape, seed + 2) }, { inputShape: image }),
  ];
}

describe('gradients of conv2d', () => {
  it('are those of cpu for all sizes, strides and paddings', () => {
    fc.assert(
      fc.property(cases, (one) => {
        expectSame(() => gradients(one), 2e-6);
      }),
      { numRuns: 400 },
    );
  });

  it('are those of cpu for a padding in numbers', () => {
    for (const pad of [0, 1, 2])
      expectSame(
        () =>
          tf.grads((x, w) => tf.square(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, [2, 2], pad, 'NHWC', 1, 'floor')))(
            [tensorOf([2, 9, 9, 3], 1), tensorOf([3, 3, 3, 4], 2)],
          ),
        2e-6,
      );
  });

  it('are those of cpu for 1x1 where only the end is padded, and so is the convolution', () => {
    const one: Case = {
      image: [2, 4, 3, 6],
      filter: [1, 1],
      outChannels: 33,
      strides: [1, 1],
      pad: [
        [0, 0],
        [0, 1],
        [0, 2],
        [0, 0],
      ],
      seed: 1,
    };
    expectSame(() => [...gradients(one), fused(one, 'linear')], 2e-6);
  });

  it('are those of cpu where several tiles are needed', () => {
    expectSame(
      () =>
        tf.grads((x, w) => tf.square(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same')))([
          tensorOf([2, 13, 11, 37], 1),
          tensorOf([5, 5, 37, 9], 2),
        ]),
      2e-6,
    );
  });

  it('are those of cpu for 1x1, conv1d, transposed convolutions and an image without a batch', () => {
    expectSame(
      () =>
        tf.grads((x, w) => tf.square(tf.conv2d(x as tf.Tensor3D, w as tf.Tensor4D, 1, 'valid')))([
          tensorOf([7, 6, 5], 1),
          tensorOf([1, 1, 5, 9], 2),
        ]),
      2e-6,
    );
    expectSame(
      () =>
        tf.grads((x, w) => tf.square(tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 2, 'same')))([
          tensorOf([2, 15, 3], 1),
          tensorOf([4, 3, 5], 2),
        ]),
      2e-6,
    );
    expectSame(
      () =>
        tf.grads((x, w) => tf.square(tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [2, 8, 6, 3], 2, 'same')))([
          tensorOf([2, 4, 3, 5], 1),
          tensorOf([3, 3, 3, 5], 2),
        ]),
      2e-6,
    );
  });

  it('are those of cpu with the channels first', () => {
    const attrs = { strides: [2, 1], pad: 'same', dataFormat: 'NCHW' };
    expectSame(
      () => [
        tf
          .engine()
          .runKernel(
            'Conv2DBackpropFilter',
            { x: tensorOf([2, 3, 7, 5], 1), dy: tensorOf([2, 4, 4, 5], 2) },
            { ...attrs, filterShape: [3, 2, 3, 4] },
          ) as tf.Tensor,
        tf
          .engine()
          .runKernel(
            'Conv2DBackpropInput',
            { dy: tensorOf([2, 4, 4, 5], 2), filter: tensorOf([3, 2, 3, 4], 3) },
            { ...attrs, inputShape: [2, 3, 7, 5] },
          ) as tf.Tensor,
      ],
      2e-6,
    );
  });
});
