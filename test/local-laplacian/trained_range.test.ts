import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type LocalLaplacianOptions, localLaplacian } from '../../src/local-laplacian/local_laplacian.js';
import { onEachBackend } from '../setup/backends.js';

const RANGE = [-0.5, 1.5] as const;
/** Of the slopes of the error by central differences in float32. */
const STEP = 0.02;

onEachBackend(() => {
  describe('localLaplacian between tensors', () => {
    const image = (): tf.Tensor => tf.randomUniform([1, 12, 13, 1], -0.4, 1.4, 'float32', 3);
    const curve = (): tf.Tensor => tf.tanh(tf.linspace(-2, 2, 401));
    const kinds: Readonly<Record<string, () => LocalLaplacianOptions>> = {
      gauss: () => ({ sigma: 0.4, alpha: 0.8, beta: 0.9 }),
      paris: () => ({ remap: 'paris', sigma: 0.4, alpha: 1.5, beta: 0.7 }),
      'a table': () => ({ remap: curve() }),
    };

    it.each(Object.entries(kinds))('filters as between numbers: %s', async (_, optionsOf) => {
      const [fixed, trained] = tf.tidy(() => {
        const [x, options] = [image(), { ...optionsOf(), samples: 5, levels: 3 }];
        const ends = RANGE.map((end) => tf.scalar(end)) as [tf.Tensor, tf.Tensor];
        return [localLaplacian(x, { ...options, range: RANGE }), localLaplacian(x, { ...options, range: ends })];
      }) as [tf.Tensor, tf.Tensor];
      const [expected, found] = [await fixed.data(), await trained.data()];
      for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] as number, 4);
      tf.dispose([fixed, trained]);
    });

    // With two samples nothing bends within the range.
    it('has the slopes in both ends that differences have', async () => {
      const { numTensors } = tf.memory();
      const loss = (low: number | tf.Tensor, high: number | tf.Tensor): tf.Scalar =>
        tf.tidy(() => {
          const result = localLaplacian(image(), { sigma: 0.5, alpha: 2, samples: 2, levels: 3, range: [low, high] });
          return tf.mean(tf.square(result));
        });
      const at = async (low: number, high: number): Promise<number> => {
        const value = loss(low, high);
        const [number = Number.NaN] = await value.data();
        value.dispose();
        return number;
      };
      const [low, high] = RANGE;
      const differences = [
        ((await at(low + STEP, high)) - (await at(low - STEP, high))) / (2 * STEP),
        ((await at(low, high + STEP)) - (await at(low, high - STEP))) / (2 * STEP),
      ];
      const ends = RANGE.map((end) => tf.scalar(end));
      const slopes = tf.grads((a, b) => loss(a as tf.Tensor, b as tf.Tensor))(ends);
      for (const [i, slope] of slopes.entries()) {
        const [found = Number.NaN] = await slope.data();
        const expected = differences[i] as number;
        expect(Math.abs(found)).toBeGreaterThan(1e-4);
        expect(Math.abs(found - expected)).toBeLessThan(0.05 * Math.abs(expected) + 1e-5);
      }
      tf.dispose([ends, slopes]);
      expect(tf.memory().numTensors).toBe(numTensors);
    });

    it('refuses ends that are no number', () => {
      expect(() => localLaplacian(image(), { range: [tf.zeros([2]), 1] })).toThrow(
        'localLaplacian: range must be a number or a tensor of one, received [2].',
      );
    });
  });
});
