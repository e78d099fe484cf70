import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { withGradient } from '../../src/ops/custom_gradient.js';
import { onEachBackend } from '../setup/backends.js';

/** a² b, with a gradient that is ten times too large, so that it shows. */
function marked(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return withGradient(
    [a, b],
    (a, b) => ({ value: tf.mul(tf.square(a), b), saved: { b, a, square: tf.square(a) } }),
    (dy, { a, b, square }) => [tf.mul(dy, tf.mul(tf.mul(a, b), 20)), tf.mul(dy, tf.mul(square, 10))],
  );
}

onEachBackend(() => {
  describe('withGradient', () => {
    it('hands what was saved to backward, by name, and returns the gradients in the order of the inputs', () => {
      const [a, b] = [tf.tensor1d([2, 3]), tf.tensor1d([5, 7])];
      const { numTensors } = tf.memory();
      const value = marked(a, b);
      const [da, db] = tf.grads(marked as (...args: tf.Tensor[]) => tf.Tensor)([a, b]) as [tf.Tensor, tf.Tensor];
      expect(tf.memory().numTensors).toBe(numTensors + 3);
      expect(Array.from(value.dataSync())).toEqual([20, 63]);
      expect(Array.from(da.dataSync())).toEqual([200, 420]);
      expect(Array.from(db.dataSync())).toEqual([40, 90]);
    });

    it('serves when only one input is watched', () => {
      const b = tf.scalar(5);
      expect(
        tf
          .grad((a) => marked(a, b))(tf.scalar(2))
          .dataSync()[0],
      ).toBe(200);
      expect(
        tf
          .grad((a) => marked(b, a))(tf.scalar(2))
          .dataSync()[0],
      ).toBe(250);
    });

    it('adds up over several uses of one input', () => {
      const gradient = tf.grad((a) => tf.add(marked(a, a), a))(tf.scalar(2));
      expect(gradient.dataSync()[0]).toBe(10 * 3 * 4 + 1);
    });

    it('passes a failure of backward on, and leaves the engine in order', () => {
      const fails = (x: tf.Tensor): tf.Tensor =>
        withGradient(
          [x],
          (x) => ({ value: tf.square(x), saved: {} }),
          () => {
            throw new Error('no gradient today');
          },
        );
      expect(() => tf.grad(fails)(tf.scalar(2))).toThrow('no gradient today');
      expect(tf.grad(tf.square)(tf.scalar(2)).dataSync()[0]).toBe(4);
    });
  });
});
