import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { withGradient } from '../../src/ops/custom_gradient.js';
import { onEachBackend } from '../setup/backends.js';

/**
 * What tfjs lacks or does wrong, and this library therefore does itself. When one of these tests fails, upstream has
 * changed, and the workaround that it names may go.
 */
onEachBackend((backend) => {
  describe('canaries: operations in tfjs', () => {
    it('there is no stop-gradient, hence stopGradient (https://github.com/tensorflow/tfjs/issues/967, #7438)', () => {
      const names = Object.keys(tf).filter((name) => /stop_?gradient|detach/i.test(name));
      expect(names).toEqual([]);
    });

    it('a custom gradient of zeros does not detach: rankings of its output cannot be differentiated around', () => {
      const zeroed = tf.customGrad((x) => ({
        value: tf.clone(x as tf.Tensor),
        gradFunc: (dy) => tf.zerosLike(dy as tf.Tensor),
      }));
      const around = tf.grad((x) => tf.sum(tf.cast(tf.topk(zeroed(x), 2).indices, 'float32')));
      expect(() => around(tf.tensor1d([3, 1, 2]))).toThrow('gradient function not found for TopK');
    });

    it('topk has no gradient: scores are detached first (https://github.com/tensorflow/tfjs/issues/1601)', () => {
      const gradient = tf.grad((x) => tf.sum(tf.topk(x, 2).values));
      expect(() => gradient(tf.tensor1d([3, 1, 2]))).toThrow('gradient function not found for TopK');
    });

    it('a gather by sample has a gradient on cpu only (https://github.com/tensorflow/tfjs/issues/8082)', () => {
      const indices = tf.tensor2d([[1], [0]], [2, 1], 'int32');
      const gradient = tf.grad((x) => tf.sum(tf.gather(x, indices, 1, 1)));
      const run = (): number[] => Array.from(gradient(tf.ones([2, 2, 1])).dataSync());
      if (backend === 'wasm') expect(run).toThrow('UnsortedSegmentSum');
      else expect(run()).toEqual([0, 1, 1, 0]);
    });

    it('the gradient of [B, M, D] x [D, E] has the wrong shape (https://github.com/tensorflow/tfjs/issues/8721)', () => {
      const x = tf.ones([2, 3, 4]);
      const gradient = tf.grad((kernel) => tf.sum(tf.matMul(x, kernel)));
      expect(() => gradient(tf.ones([4, 5]))).toThrow("has shape '2,4,5', which does not match");
    });

    it('on WASM the sign of a number below 1e-7 is 0, hence signOf', () => {
      const signs = [...tf.sign(tf.tensor1d([1e-6, 5e-8, -5e-8, 0])).dataSync()];
      expect(signs).toEqual(backend === 'wasm' ? [1, 0, 0, 0] : [1, 1, -1, 0]);
    });

    it('one-hot needs two classes, hence a comparison in gatherTokens', () => {
      expect(() => tf.oneHot(tf.tensor1d([0], 'int32'), 1)).toThrow('depth must be >=2');
    });

    it('a saved intermediate is constant to a second gradient: withGradient is of first order', () => {
      const cube = (x: tf.Tensor): tf.Tensor =>
        withGradient(
          [x],
          (x) => ({ value: tf.pow(x, 3), saved: { square: tf.square(x) } }),
          (dy, { square }) => [tf.mul(dy, tf.mul(square, 3))],
        );
      const first = tf.grad(cube);
      expect(first(tf.scalar(2)).dataSync()[0]).toBeCloseTo(12, 4);
      expect(() => tf.grad((x) => first(x))(tf.scalar(2))).toThrow('Cannot compute gradient');
    });

    it('WASM has no gradient of a convolution kernel (https://github.com/tensorflow/tfjs/issues/8474)', () => {
      const image = tf.ones<tf.Rank.R4>([1, 3, 3, 1]);
      const gradient = tf.grad((kernel) => tf.sum(tf.conv2d(image, kernel as tf.Tensor4D, 1, 'valid')));
      const run = (): number[] => Array.from(gradient(tf.ones([3, 3, 1, 1])).dataSync());
      if (backend === 'wasm') expect(run).toThrow('Conv2DBackpropFilter');
      else expect(run()).toEqual(new Array(9).fill(1));
    });
  });
});
