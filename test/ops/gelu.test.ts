import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { gelu } from '../../src/ops/gelu.js';
import { onEachBackend } from '../setup/backends.js';
import { expectLaw, expectNear, plain } from './laws.js';

/** The normal distribution function, by Simpson's rule on its density. */
function normalCdf(x: number): number {
  const steps = 4000;
  const h = x / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-0.5 * (i * h) ** 2);
  }
  return 0.5 + (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

onEachBackend(() => {
  describe('gelu', () => {
    it('is x times the normal distribution function, with its gradient, to the precision of tf.erf', () => {
      const x = plain([4, 5], 'x');
      x.values = x.values.map((value) => Math.fround(2 * value));
      expectLaw({
        op: (x) => gelu(x as tf.Tensor),
        reference: (x) => (x as number[]).map((value) => value * normalCdf(value)),
        inputs: [x],
        shape: [4, 5],
        tolerance: 1e-6,
      });
    });

    it('is not the tanh approximation', () => {
      const x = 2.5;
      const tanh = 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
      const exact = x * normalCdf(x);
      expect(Math.abs(tanh - exact)).toBeGreaterThan(1e-4);
      expectNear(gelu(tf.scalar(x)), [exact], 1e-6);
    });

    it('is x or 0 far out, with gradient 1 or 0, finite everywhere', () => {
      const far = tf.tensor1d([-1e6, -100, -14, 0, 14, 100, 1e6]);
      expectNear(gelu(far), [0, 0, 0, 0, 14, 100, 1e6], 1e-7);
      const gradient = tf.grad((x) => tf.sum(gelu(x)))(far);
      expectNear(gradient, [0, 0, 0, 0.5, 1, 1, 1], 1e-6);
    });
  });
});
