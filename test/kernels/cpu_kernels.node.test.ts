import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { describe, expect, it } from 'vitest';
import { accelerateWasm } from '../../src/wasm/index.js';
import { computeOn, expectSame, withAcceleration } from './both_backends.js';

/** What stock refuses, or computes wrongly. */
const CASES: Record<string, () => tf.Tensor | tf.Tensor[]> = {
  'the parts of a complex tensor': () => {
    const z = tf.complex([[1, 2, 3]], [[4, 5, 6]]);
    return [tf.real(z), tf.imag(z), z.reshape([3]).clone()];
  },
  'sums and products of complex tensors': () => {
    const [z, w] = [tf.complex([1, 2], [3, -4]), tf.complex([0.5, 1], [1, 2])];
    return [tf.add(z, w), tf.mul(z, w), tf.concat([z, w])];
  },
  'a Fourier transform and its inverse': () => {
    const x = tf.tensor2d([1, 2, 0, -1, 3, 1, 4, 1], [2, 4]);
    const spectrum = tf.spectral.rfft(x);
    return [tf.real(spectrum), tf.imag(spectrum), tf.spectral.irfft(spectrum)];
  },
  strings: () => {
    const words = tf.tensor1d(['a', 'b']);
    return [tf.tile(words, [2]), tf.stack([words, words]), tf.equal(words, ['a', 'c'])];
  },
  'a product of integers': () =>
    tf.matMul(tf.tensor2d([[1, 2]], [1, 2], 'int32'), tf.tensor2d([[3], [4]], [2, 1], 'int32')),
  'a fused convolution with one bias for all channels': () =>
    tf.fused.conv2d({
      x: tf.ones([1, 4, 4, 2]) as tf.Tensor4D,
      filter: tf.ones([2, 2, 2, 3]) as tf.Tensor4D,
      strides: 1,
      pad: 'valid',
      bias: tf.scalar(2),
      activation: 'relu',
    }),
  'a depthwise convolution with steps over pixels': () =>
    tf.depthwiseConv2d(tf.ones([1, 9, 9, 2]) as tf.Tensor4D, tf.ones([1, 1, 2, 1]) as tf.Tensor4D, 4, 'same'),
  'windows in the padding': () => tf.maxPool(tf.ones([3, 3, 1]) as tf.Tensor3D, 1, 2, 1, 'round'),
  'numbers as truth values': () => tf.cast(tf.tensor1d([0, 0.5, 3]), 'bool'),
  'a histogram of a matrix': () => tf.bincount(tf.tensor1d([1, 1, 2], 'int32'), tf.tensor1d([]), 4),
  'NaN that is clipped': () => tf.clipByValue(tf.tensor1d([Number.NaN, -2, 3, 0.5, Number.POSITIVE_INFINITY]), -1, 1),
};

describe('what the WASM backend cannot', () => {
  withAcceleration();

  it.each(Object.entries(CASES))('is computed as cpu does: %s', (_, compute) => {
    // Its float32 sums and ours differ in the last place.
    expectSame(compute, 1e-6);
  });

  it('leaves nothing behind in either backend, also when it throws', () => {
    const held = (): number[] => ['wasm', 'cpu'].map((name) => tf.findBackend(name).numDataIds());
    computeOn('wasm', CASES['a Fourier transform and its inverse'] as () => tf.Tensor[]);
    const before = held();
    for (const compute of Object.values(CASES)) computeOn('wasm', compute);
    const [a, b] = [tf.tensor1d(['a', 'b', 'c']), tf.tensor1d(['a', 'b'])];
    const during = held();
    expect(() => tf.equal(a, b)).toThrow();
    expect(held()).toEqual(during);
    tf.dispose([a, b]);
    expect(held()).toEqual(before);
  });

  it('goes with the handle', async () => {
    void tf.setBackend('wasm');
    const handle = await accelerateWasm();
    handle.dispose();
    expect(() => tf.tidy(() => tf.complex([1], [2]))).toThrow("Kernel 'Complex' not registered for backend 'wasm'");
    await accelerateWasm();
    expect(tf.tidy(() => tf.complex([1], [2]).dataSync())).toEqual(Float32Array.of(1, 2));
  });
});
