import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { gatherTokens } from '../../src/ops/gather_tokens.js';
import { stopGradient } from '../../src/ops/stop_gradient.js';
import { onEachBackend } from '../setup/backends.js';
import { expectNear, plain, toTensor } from './laws.js';

onEachBackend(() => {
  describe('stopGradient', () => {
    it('returns the same values, shape and type, in a tensor of its own', () => {
      for (const dtype of ['float32', 'int32', 'bool'] as const) {
        const { numTensors } = tf.memory();
        const x = tf.tensor([1, 0, 1, 1], [2, 2], dtype);
        const constant = stopGradient(x);
        expect(tf.memory().numTensors).toBe(numTensors + 2);
        x.dispose();
        expect(constant.dtype).toBe(dtype);
        expect(constant.arraySync()).toEqual([
          [1, 0],
          [1, 1],
        ]);
        constant.dispose();
      }
    });

    it('sends nothing back, while other paths do', () => {
      const x = toTensor(plain([5], 'x'));
      const gradient = tf.grad((x) => tf.sum(tf.mul(stopGradient(tf.square(x)), x)))(x);
      expectNear(gradient, Array.from(tf.square(x).dataSync()), 1e-6);
    });

    it('cuts off a function altogether: nothing depends on x', () => {
      expect(() => tf.grad((x) => tf.sum(stopGradient(x)))(tf.ones([2]))).toThrow('Cannot compute gradient');
    });

    it('lets tokens be ranked by what is in training, and gathered', () => {
      const x = tf.tensor3d([[[3], [1], [2]]]);
      const gradient = tf.grad((x) => {
        const { indices } = tf.topk(stopGradient(tf.reshape(x, [1, 3])), 2);
        return tf.sum(gatherTokens(x, indices));
      });
      expectNear(gradient(x), [1, 0, 1]);
    });

    it('works in variableGrads, as an optimizer uses it', () => {
      const [a, b] = [tf.variable(tf.scalar(3)), tf.variable(tf.scalar(5))];
      const { grads } = tf.variableGrads(() => tf.mul(stopGradient(a), b).asScalar(), [a, b]);
      expect(grads[a.name] ?? null).toBeNull();
      expect(grads[b.name]?.dataSync()[0]).toBe(3);
      tf.dispose([a, b]);
    });
  });
});
