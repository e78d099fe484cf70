import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/core/random.js';
import { ssim, ssimLoss } from '../../src/local-laplacian/ssim.js';
import images from '../fixtures/local-laplacian/images.json' with { type: 'json' };
import recorded from '../fixtures/local-laplacian/ssim.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { imageOf } from './golden.js';

onEachBackend((backend) => {
  describe('ssim', () => {
    it.each(recorded.cases.map((one) => [one.image, one] as const))('is the recorded one, as is MSE: %s', (_, one) => {
      tf.tidy(() => {
        const [a, b] = [imageOf(images[one.image as '64x64']), imageOf(one.b)];
        expect(ssim(a, b).dataSync()[0]).toBeCloseTo(one['ssim_gauss_sigma1.5_win11'], 5);
        expect(ssim(a, b, { window: 'uniform' }).dataSync()[0]).toBeCloseTo(one.ssim_uniform_win7, 5);
        expect(ssimLoss({ weight: 0 })(a, b).dataSync()[0]).toBeCloseTo(one.mse, 7);
        const loss = ssimLoss({ weight: 0.5, mse: 2 })(a, b).dataSync()[0];
        expect(loss).toBeCloseTo(2 * one.mse + 0.5 * (1 - one['ssim_gauss_sigma1.5_win11']), 5);
      });
    });

    it('is 1 for equal images, constant ones too, and leaves nothing behind', () => {
      const images = [tf.fill([2, 13, 17, 3], 0.5), tf.randomUniform([2, 13, 17, 3], 0, 1, 'float32', 1)];
      const { numTensors } = tf.memory();
      for (const image of images) {
        const value = ssim(image, image);
        expect(value.shape).toEqual([2]);
        for (const one of value.dataSync()) expect(one).toBeCloseTo(1, 5);
        value.dispose();
      }
      expect(tf.memory().numTensors).toBe(numTensors);
      tf.dispose(images);
    });

    it('scales with the range, and an image counts for itself', () => {
      tf.tidy(() => {
        const [a, b] = [
          tf.randomUniform([2, 12, 12, 1], 0, 1, 'float32', 1),
          tf.randomUniform([2, 12, 12, 1], 0, 1, 'float32', 2),
        ];
        const both = ssim(a, b).dataSync();
        const first = ssim(tf.slice(a, 0, 1), tf.slice(b, 0, 1)).dataSync()[0];
        expect(both[0]).toBeCloseTo(first as number, 5);
        const scaled = ssim(tf.mul(a, 255), tf.mul(b, 255), { range: 255 }).dataSync();
        expect(scaled[1]).toBeCloseTo(both[1] as number, 4);
      });
    });

    it.each(['gaussian', 'uniform'] as const)('has the gradient of differences, for both images: %s', (window) => {
      const stream = randomStream(3, 'ssim');
      const loss = ssimLoss({ weight: 1, window });
      const drawn = () => Array.from({ length: 13 * 12 * 2 }, () => 0.2 + 0.6 * stream.uniform());
      const lists = [drawn(), drawn()];
      const directions = [drawn().map((value) => value - 0.5), drawn().map((value) => value - 0.5)];
      const image = (list: number[]): tf.Tensor => tf.tensor(list, [1, 13, 12, 2]);
      const at = (which: number, step: number): number =>
        tf.tidy(() => {
          const moved = lists.map((list, i) =>
            image(i === which ? list.map((value, j) => value + step * (directions[i]?.[j] as number)) : list),
          );
          return loss(moved[0] as tf.Tensor, moved[1] as tf.Tensor).dataSync()[0] as number;
        });
      tf.tidy(() => {
        const gradients = tf.grads((a, b) => loss(a, b))(lists.map(image));
        gradients.forEach((gradient, i) => {
          const received = tf.sum(tf.mul(gradient, image(directions[i] as number[]))).dataSync()[0] as number;
          const expected = (at(i, 0.02) - at(i, -0.02)) / 0.04;
          const limit = backend === 'webgl' ? 1e-2 : 3e-3;
          expect(Math.abs(received - expected)).toBeLessThanOrEqual(limit * Math.max(Math.abs(expected), 0.05));
        });
      });
    });
  });
});
