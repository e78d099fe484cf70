import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { downsampleLabels, segmentationTargets } from '../../src/cropr-dense/label_maps.js';
import { segmentationLoss } from '../../src/cropr-dense/segmentation_loss.js';
import { segmentationTransformer } from '../../src/cropr-dense/segmentation_transformer.js';
import { upsampleBilinear } from '../../src/cropr-dense/upsample.js';
import { largestError } from '../cropr/golden.js';
import { onEachBackend } from '../setup/backends.js';

const model = (): tf.LayersModel =>
  segmentationTransformer({
    imageSize: [4, 8],
    channels: 1,
    patchSize: 2,
    dim: 8,
    depth: 4,
    heads: 2,
    classes: 3,
    pruning: { prune: 2 },
    seed: 1,
  });

onEachBackend(() => {
  describe('label maps', () => {
    it('shrink to the nearest pixel, also where the sides do not divide', () => {
      tf.tidy(() => {
        const labels = tf.range(0, 35, 1, 'int32').reshape([1, 5, 7]);
        // Rows 0, 1, 3 of 5 and columns 0, 3 of 7.
        const small = downsampleLabels(labels, [3, 2]);
        expect(small.dtype).toBe('int32');
        expect(Array.from(small.dataSync())).toEqual([0, 3, 7, 10, 21, 24]);
        expect(Array.from(downsampleLabels(labels, [5, 7]).dataSync())).toEqual(Array.from(labels.dataSync()));
      });
      expect(() => downsampleLabels(tf.zeros([2, 2]), [1, 1])).toThrow(/downsampleLabels: labels must be of shape/);
    });

    it('become targets for every output, zeros where there is no label', () => {
      const segmenter = model();
      tf.tidy(() => {
        const labels = tf.tensor3d(
          [[[0, 1, 2, 255, 0, 0, 0, 0], ...new Array(3).fill(new Array(8).fill(2))]],
          undefined,
          'int32',
        );
        const [map, first, second] = segmentationTargets(labels, segmenter) as [tf.Tensor, tf.Tensor, tf.Tensor];
        expect([map.shape, first.shape]).toEqual([
          [1, 4, 8, 3],
          [1, 8, 3],
        ]);
        expect(second).toBe(first);
        expect(Array.from(map.dataSync().slice(0, 12))).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
        expect(Array.from(first.dataSync())).toEqual(
          [0, 2, 0, 0, 2, 2, 2, 2].flatMap((label) => [0, 1, 2].map((c) => (c === label ? 1 : 0))),
        );
        expect(() => segmentationTargets(tf.zeros([1, 8, 8], 'int32'), segmenter)).toThrow(
          /segmentationTargets: labels must be of shape \[batch, 4, 8\]/,
        );
      });
      segmenter.dispose();
    });
  });

  describe('segmentationLoss', () => {
    const target = [1, 0, 0, 0, 0, 0, 0, 0.25, 0.75];
    const start = [0.3, -1, 2, 4, 5, -6, 0.5, 1.5, -0.5];

    /** By hand: mean over the two pixels with a label. */
    const byHand = (logits: readonly number[]): number => {
      const row = (i: number): number => {
        const at = logits.slice(3 * i, 3 * i + 3);
        const norm = Math.log(at.reduce((sum, value) => sum + Math.exp(value), 0));
        return at.reduce((sum, value, c) => sum - (target[3 * i + c] as number) * (value - norm), 0);
      };
      return (row(0) + row(2)) / 2;
    };

    it('is the mean over the pixels with a label, and has the slopes of differences', () => {
      tf.tidy(() => {
        const of = (x: tf.Tensor): tf.Tensor => segmentationLoss()(tf.tensor(target, [1, 3, 3]), x);
        const logits = tf.tensor(start, [1, 3, 3]);
        expect(of(logits).dataSync()[0]).toBeCloseTo(byHand(start), 5);
        const slopes = start.map((_, i) => {
          const moved = (step: number): number[] => start.map((value, j) => value + (i === j ? step : 0));
          return (byHand(moved(1e-4)) - byHand(moved(-1e-4))) / 2e-4;
        });
        expect(largestError(tf.grad(of)(logits).dataSync(), slopes)).toBeLessThan(1e-5);
      });
    });

    it('is 0 without labels, and finite for logits that are sure of the wrong class', () => {
      tf.tidy(() => {
        const of = (t: number[], x: number[]): tf.Tensor =>
          segmentationLoss()(tf.tensor(t, [1, 1, 2]), tf.tensor(x, [1, 1, 2]));
        expect(of([0, 0], [5, -5]).dataSync()[0]).toBeCloseTo(0, 9);
        expect(of([1, 0], [-500, 500]).dataSync()[0]).toBeCloseTo(1000, 2);
      });
      expect(() => segmentationLoss()(tf.zeros([1, 2]), tf.zeros([1, 3]))).toThrow(
        /target must be of the shape of the/,
      );
    });
  });

  describe('upsampleBilinear', () => {
    it('keeps constants and interior ramps, and its gradient is the adjoint', () => {
      tf.tidy(() => {
        const ramp = tf.reshape(tf.range(0, 4), [1, 1, 4, 1]);
        const wide = Array.from(upsampleBilinear(ramp, [1, 8]).dataSync());
        expect(largestError(wide, [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])).toBeLessThan(1e-6);
        const x = tf.randomNormal([2, 3, 2, 3], 0, 1, 'float32', 1);
        const dy = tf.randomNormal([2, 7, 4, 3], 0, 1, 'float32', 2);
        const up = (y: tf.Tensor): tf.Tensor => upsampleBilinear(y, [7, 4]);
        const [forward] = tf.sum(tf.mul(up(x), dy)).dataSync() as Float32Array;
        const [backward] = tf.sum(tf.mul(x, tf.grad(up)(x, dy))).dataSync() as Float32Array;
        expect(backward).toBeCloseTo(forward as number, 4);
      });
    });
  });
});
