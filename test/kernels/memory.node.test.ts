import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { visionTransformer } from '../../src/cropr/index.js';
import { selfAttention } from '../../src/ops/attention.js';
import { accelerateWasm } from '../../src/wasm/index.js';
import { tensorOf } from './both_backends.js';
import { heap, wasmBackend, withWatchedHeap } from './heap.js';
import { programs, steps } from './programs.js';

const memory = withWatchedHeap();

/** The bits of all results; nothing else may stay. */
function bitsOf(compute: () => tf.Tensor[]): number[][] {
  return tf.tidy(() => compute().map((x) => [...new Int32Array(x.dataSync().slice().buffer)]));
}

/** Lets one allocation after another fail, and expects an error, nothing left behind, and the same result afterwards. */
function failEach(compute: () => number[][], most = Number.POSITIVE_INFINITY): void {
  const { watch } = memory;
  compute();
  watch.reset();
  const expected = compute();
  const { sizes } = watch;
  const before = watch.held();
  const step = Math.max(1, Math.ceil(sizes.length / most));
  for (let i = 1; i <= sizes.length; i += step) {
    watch.reset((count) => count === i);
    expect(compute).toThrow(`out of memory, ${sizes[i - 1]} bytes were asked for`);
    watch.reset();
    expect(watch.held(), `after the failure of allocation ${i} of ${sizes.length}`).toEqual(before);
  }
  expect(compute()).toEqual(expected);
  expect(watch.held()).toEqual(before);
}

/** A small convolution and a ViT behind each other, so that a prediction runs most kernels, stock ones too. */
function smallModel(): tf.LayersModel {
  const vit = visionTransformer({ imageSize: 8, channels: 3, patchSize: 2, dim: 16, depth: 2, heads: 2, classes: 5 });
  const conv = tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 3, kernelSize: 3, padding: 'same' });
  return tf.sequential({ layers: [conv, tf.layers.batchNormalization(), tf.layers.reLU(), vit] });
}

describe('where memory ends', () => {
  const small = { ...programs(12), ...steps(12) };

  it('the programs run every kernel', async () => {
    const { kernels } = await accelerateWasm();
    const { kernelNames } = await tf.profile(() => tf.tidy(() => tf.dispose(Object.values(small).flatMap((f) => f()))));
    expect(kernels.filter((name) => !kernelNames.includes(name))).toEqual([]);
  });

  it.each(Object.keys(small))('%s throws, whatever cannot be had, and leaves nothing behind', (name) => {
    failEach(() => bitsOf(small[name] as () => tf.Tensor[]));
  });

  it('a model throws, and predicts the same bits afterwards', () => {
    const model = smallModel();
    const x = tensorOf([2, 8, 8, 3], 1);
    failEach(() => bitsOf(() => [model.predict(x) as tf.Tensor]), 60);
    tf.dispose([x]);
    model.dispose();
  });

  it('gradients of a model throw, and are the same bits afterwards', () => {
    const model = smallModel();
    const x = tensorOf([2, 8, 8, 3], 1);
    const loss = () => tf.mean(tf.square(model.apply(x, { training: true }) as tf.Tensor)) as tf.Scalar;
    failEach(() => bitsOf(() => Object.values(tf.variableGrads(loss).grads)), 60);
    tf.dispose([x]);
    model.dispose();
  });

  it('sizes beyond all addresses throw too, instead of the rest of them by 2^32', () => {
    const { watch } = memory;
    const [row, column] = [tf.zeros([1, 2 ** 16 + 1]), tf.zeros([2 ** 16, 1])];
    watch.reset();
    const before = watch.held();
    const bytes = 4 * (2 ** 16 + 1) * 2 ** 16;
    expect(() => tf.matMul(column, row)).toThrow(`out of memory, ${bytes} bytes`);
    // A stock kernel: the guard stands before it as well.
    expect(() => tf.add(column, row)).toThrow(`out of memory, ${bytes} bytes`);
    expect(watch.sizes).toEqual([]);
    expect(watch.held()).toEqual(before);
    tf.dispose([row, column]);
  });

  it('sizes that a compiled function tells as negative numbers are what they are', () => {
    expect(() => wasmBackend().wasm._malloc(-4096)).toThrow(`out of memory, ${2 ** 32 - 4096} bytes`);
  });

  it('truly: a model that finds no memory throws, and predicts the same bits when there is some', () => {
    const { watch } = memory;
    const model = smallModel();
    const x = tensorOf([2, 8, 8, 3], 1);
    const predict = () => bitsOf(() => [model.predict(x) as tf.Tensor]);
    const expected = predict();
    watch.reset();
    const before = watch.held();
    const release = watch.fillBelow(2 ** 32);
    expect(heap().buffer.byteLength).toBeGreaterThan(2 ** 32 - 2 ** 17);
    for (let i = 0; i < 3; i++) expect(predict).toThrow(/out of memory, \d+ bytes were asked for/);
    expect(() => tf.zeros([1e6])).toThrow('out of memory, 4000000 bytes were asked for');
    expect(watch.held()).toEqual(before);
    release();
    expect(predict()).toEqual(expected);
    x.dispose();
    model.dispose();
  });
});

describe('long sequences', () => {
  it('never take a matrix of tokens by tokens, forward or backward', () => {
    const { watch } = memory;
    const peakOf = (tokens: number): { peak: number; largest: number } => {
      watch.reset();
      tf.tidy(() => {
        const qkv = tensorOf([1, tokens, 48], 1);
        const attend = (x: tf.Tensor) => selfAttention(x, 1);
        const { value, grad } = tf.valueAndGrad(attend)(qkv, tensorOf([1, tokens, 16], 2));
        expect(tf.util.sizeFromShape(value.shape) + tf.util.sizeFromShape(grad.shape)).toBe(64 * tokens);
      });
      return { peak: watch.peak, largest: Math.max(...watch.sizes) };
    };
    const [half, whole] = [peakOf(4096), peakOf(8192)];
    const input = 8192 * 48 * 4;
    expect(whole.largest).toBe(input);
    expect(whole.peak).toBeLessThan(4 * input);
    expect(whole.peak).toBeLessThan(2.01 * half.peak);
  });
});
