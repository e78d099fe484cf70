import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layerNorm } from '../../src/ops/layer_norm.js';
import { onEachBackend } from '../setup/backends.js';
import { expectLaw, expectNear, plain, runs, toTensor } from './laws.js';

function reference(x: number[], gamma: number[], beta: number[], epsilon: number): number[] {
  const width = gamma.length;
  return x.map((value, at) => {
    const row = x.slice(at - (at % width), at - (at % width) + width);
    const mean = row.reduce((sum, one) => sum + one, 0) / width;
    const variance = row.reduce((sum, one) => sum + (one - mean) ** 2, 0) / width;
    const [scale, shift] = [gamma[at % width] as number, beta[at % width] as number];
    return ((value - mean) / Math.sqrt(variance + epsilon)) * scale + shift;
  });
}

onEachBackend((backend) => {
  describe('layerNorm', () => {
    it('normalises the last axis, with all gradients', () => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 0, maxLength: 2 }),
          fc.integer({ min: 2, max: 6 }),
          fc.constantFrom(1e-6, 1e-2),
          fc.nat({ max: 1000 }),
          (leading, width, epsilon, seed) => {
            const x = plain([...leading, width], 'x', seed);
            // Far from constant rows: there the true gradient is as large as 1 / sqrt(epsilon).
            x.values = x.values.map((value, at) => Math.fround(value + 3 * (at % width)));
            expectLaw({
              op: (x, gamma, beta) => layerNorm(x as tf.Tensor, gamma as tf.Tensor, beta as tf.Tensor, epsilon),
              reference: (x, gamma, beta) => reference(x as number[], gamma as number[], beta as number[], epsilon),
              inputs: [x, plain([width], 'gamma'), plain([width], 'beta')],
              shape: [...leading, width],
            });
          },
        ),
        runs(backend),
      );
    });

    it('gives beta for a constant row, and no NaN gradient', () => {
      const [gamma, beta] = [tf.tensor1d([1, 2, 3, 4]), tf.tensor1d([4, 5, 6, 7])];
      const x = tf.fill([2, 4], 7);
      expectNear(layerNorm(x, gamma, beta, 1e-6), [4, 5, 6, 7, 4, 5, 6, 7]);
      const gradient = tf.grad((x) => tf.sum(tf.square(layerNorm(x, gamma, beta, 1e-6))))(x);
      expect(gradient.dataSync().every(Number.isFinite)).toBe(true);
    });

    it('does not change when x is shifted and scaled', () => {
      const x = toTensor(plain([3, 8], 'x'));
      const [gamma, beta] = [toTensor(plain([8], 'gamma')), toTensor(plain([8], 'beta'))];
      const before = Array.from(layerNorm(x, gamma, beta, 0).dataSync());
      expectNear(layerNorm(tf.add(tf.mul(x, 4), 8), gamma, beta, 0), before);
    });
  });
});
