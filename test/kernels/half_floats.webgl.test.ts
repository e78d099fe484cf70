import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RandomPruner } from '../../src/index.js';
import { accelerateWebgl, watchWebgl } from '../../src/kernels/index.js';
import { takeTokens } from '../../src/ops/gather_tokens.js';
import { onEachBackend } from '../setup/backends.js';

onEachBackend(() => {
  describe('a device that keeps half floats', () => {
    beforeAll(async () => {
      tf.env().set('WEBGL_FORCE_F16_TEXTURES', true);
      tf.env().set('WEBGL_RENDER_FLOAT32_ENABLED', false);
      await watchWebgl().restart();
    });
    afterAll(async () => {
      tf.env().set('WEBGL_FORCE_F16_TEXTURES', false);
      tf.env().set('WEBGL_RENDER_FLOAT32_ENABLED', true);
      await watchWebgl().restart();
    });

    it('rounds numbers, and indices above 2048', () => {
      const third = tf.div(tf.ones([200]), 3).dataSync()[0] as number;
      expect(Math.abs(third - 1 / 3)).toBeGreaterThan(1e-5);
      const count = 2 * 2050;
      const x = tf.reshape(tf.range(0, count, 1, 'int32'), [1, count]);
      expect(takeTokens(x, tf.tensor2d([[1, 2049]], [1, 2], 'int32')).dataSync()[1]).not.toBe(2049);
    });

    it('is refused by routers', () => {
      const pruner = new RandomPruner({ prune: 2, name: 'router' });
      expect(() => pruner.apply(tf.ones([1, 5, 4]))).toThrow(
        'RandomPruner: tokens must have finite scores, received half floats (choose wasm) at "router"',
      );
    });

    it('keeps the composed operations, with a reason', async () => {
      const handle = await accelerateWebgl();
      expect(handle.kernels).toEqual([]);
      expect(handle.warning).toContain('half floats');
    });
  });
});
