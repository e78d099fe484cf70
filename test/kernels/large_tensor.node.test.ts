import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { withAcceleration } from './both_backends.js';
import { heap, wasmBackend } from './heap.js';

withAcceleration();

it('a tensor of more than 2 GB is read to its end', () => {
  // Memory that nobody has written is 0 but for crumbs of the allocator, and takes no place as long as it is only read.
  const [rows, columns] = [2 ** 20 + 2 ** 17, 512];
  const backend = wasmBackend();
  const pointer = backend.wasm._malloc(4 * rows * columns) >>> 0;
  tf.tidy(() => {
    const x = tf
      .engine()
      .makeTensorFromTensorInfo(backend.makeOutput([rows, columns], 'float32', pointer)) as tf.Tensor2D;
    const last = pointer + 4 * (rows - 1) * columns;
    expect(last).toBeGreaterThan(2 ** 31);
    new Float32Array(heap().buffer, last, 3).set([3, 4, 5]);
    const rowSums = tf.sum(x, 1);
    const products = tf.matMul(x, tf.ones([columns, 1]));
    const gradient = tf
      .engine()
      .runKernel(
        'Conv2DBackpropFilter',
        { x: tf.reshape(x, [1, rows / 64, 64, columns]), dy: tf.ones([1, rows / 64, 64, 1]) },
        { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', filterShape: [1, 1, columns, 1] },
      ) as tf.Tensor;
    const values = (y: tf.Tensor) => [...y.dataSync()];
    expect(values(tf.slice(x, [rows - 1, 1], [1, 3]))).toEqual([4, 5, 0]);
    expect(values(tf.slice(tf.gather(x, tf.tensor1d([0, rows - 1], 'int32')), [1, 0], [1, 3]))).toEqual([3, 4, 5]);
    for (const sums of [rowSums, products]) {
      expect(values(tf.slice(tf.reshape(sums, [-1]), [rows - 2], [2]))).toEqual([0, 12]);
      expect(values(tf.sum(sums))).toEqual([12]);
    }
    expect(values(tf.slice(tf.reshape(gradient, [-1]), [0], [3]))).toEqual([3, 4, 5]);
    expect(() => tf.exp(x)).toThrow(`out of memory, ${4 * rows * columns} bytes were asked for`);
  });
});
