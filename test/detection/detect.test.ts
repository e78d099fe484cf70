import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stripAuxHeads } from '../../src/cropr/strip_aux_heads.js';
import { averagePrecision } from '../../src/detection/average_precision.js';
import { type Detection, detect } from '../../src/detection/detect.js';
import { boxOverlap, maskOverlap } from '../../src/detection/overlap.js';
import { onEachBackend } from '../setup/backends.js';
import { detectIn } from './perfect_head.js';
import { smallDetector } from './small_detector.js';

/** What one cell of six says. */
interface Claim {
  cell: number;
  /** A logit per class. */
  labels: number[];
  /** Distances to top, left, bottom, right, in patches. */
  sides: number[];
  centerness?: number;
}

/** Outputs of one image: the claims, and everywhere else nothing. */
function outputsOf(claims: readonly Claim[]): tf.Tensor {
  const cells = Array.from({ length: 6 }, () => [-9, -9, -9, 0, 0, 0, 0, 9]);
  for (const { cell, labels, sides, centerness = 9 } of claims)
    cells[cell] = [...labels, ...sides.map(Math.log), centerness];
  return tf.tensor3d([cells]);
}

const boxesOf = (detections: readonly Detection[] | undefined): number[][] =>
  (detections ?? []).map(({ label, box }) => [label, ...box.map((side) => Number(side.toFixed(4)))]);

onEachBackend((backend) => {
  describe('detect', () => {
    let model: tf.LayersModel;
    beforeAll(() => {
      model = smallDetector();
    });
    afterAll(() => void model.dispose());

    const near: Claim[] = [
      { cell: 0, labels: [3, -9, -9], sides: [0.5, 0.5, 0.5, 1.5] },
      { cell: 1, labels: [4, -9, -9], sides: [0.5, 1.5, 0.5, 0.75] },
    ];

    it('keeps the surer of two boxes of a class that overlap, in pixels', async () => {
      // [0, 0, 4, 8] and [0, 0, 4, 9]: overlap 8 / 9.
      expect(boxesOf((await detectIn(model, outputsOf(near)))[0])).toEqual([[0, 0, 0, 4, 9]]);
      const both = await detectIn(model, outputsOf(near), { iouThreshold: 0.9 });
      expect(boxesOf(both[0])).toEqual([[0, 0, 0, 4, 9], [0, 0, 0, 4, 8]]); // biome-ignore format: boxes
    });

    it('keeps both where the classes differ, of one cell too', async () => {
      const [first, second] = near as [Claim, Claim];
      const apart = await detectIn(model, outputsOf([{ ...first, labels: [-9, 3, -9] }, second]));
      expect(boxesOf(apart[0]).map(([label]) => label)).toEqual([0, 1]);
      const twice = await detectIn(model, outputsOf([{ ...first, labels: [1, -9, 2] }]));
      expect(boxesOf(twice[0]).map(([label]) => label)).toEqual([2, 0]);
    });

    it('scores by the root of probability times centre-ness, and leaves out what is not surer than the threshold', async () => {
      const claim: Claim = {
        cell: 3,
        labels: [Math.log(4), -9, -9],
        sides: [1, 0.5, 0.5, 0.5],
        centerness: Math.log(1 / 4),
      };
      const [found] = await detectIn(model, outputsOf([claim]), { scoreThreshold: 0.39 });
      expect(found?.[0]?.score).toBeCloseTo(0.4, 5); // sqrt(4/5 · 1/5)
      expect(await detectIn(model, outputsOf([claim]), { scoreThreshold: 0.41 })).toEqual([[]]);
    });

    it('cuts boxes off at the border of the image', async () => {
      const [found] = await detectIn(model, outputsOf([{ cell: 5, labels: [-9, 9, -9], sides: [1, 2.25, 40, 3] }]));
      expect(boxesOf(found)).toEqual([[1, 2, 1, 8, 12]]);
    });

    it('returns no more than asked for, the surest of all classes', async () => {
      const claims = [0, 1, 2, 3, 4, 5].map((cell) => ({
        cell,
        labels: [0, 1, 2].map((label) => (label === cell % 3 ? 1 + cell : -9)),
        sides: [0.5, 0.5, 0.5, 0.5],
      }));
      const [found] = await detectIn(model, outputsOf(claims), { maxDetections: 4 });
      expect(boxesOf(found).map(([label]) => label)).toEqual([2, 1, 0, 2]);
    });

    it('finds the same with the aux heads and without, in any batches, and waits for no device', async () => {
      const pruned = smallDetector({ depth: 3, pruning: { prune: 2 }, masks: { prototypes: 2, resolution: 2 } });
      const stripped = stripAuxHeads(pruned);
      const images = tf.randomNormal([2, 8, 12, 1], 0, 1, 'float32', 3);
      // A router looks at its scores at the first call.
      tf.dispose([pruned.predict(images), stripped.predict(images)]);
      const before = tf.memory().numTensors;
      const wait = vi.spyOn(tf.Tensor.prototype, 'dataSync').mockImplementation(() => {
        throw new Error('dataSync');
      });
      const found = await detect(stripped, images, { scoreThreshold: 0 });
      const others = await detect(pruned, images, { scoreThreshold: 0, batchSize: 1 });
      wait.mockRestore();
      expect(tf.memory().numTensors).toBe(before);
      for (const [i, image] of found.entries()) {
        expect(image.length).toBeGreaterThan(0);
        expect(others[i]?.map(({ label }) => label).sort()).toEqual(image.map(({ label }) => label).sort());
      }
      const scenes = found.map((objects, i) => ({ objects, detections: others[i] ?? [] }));
      expect(averagePrecision(scenes, boxOverlap).ap).toBeGreaterThan(0.999);
      expect(averagePrecision(scenes, maskOverlap).recall).toBeGreaterThan(0.9);
      images.dispose();
      pruned.dispose();
      stripped.dispose();
    });

    it('finds nothing in nothing, and says what is wrong', async () => {
      expect(await detectIn(model, outputsOf([]))).toEqual([[]]);
      const images = tf.zeros([1, 8, 12, 1]);
      await expect(detect(model, images, { scoreThreshold: 2 })).rejects.toThrow('detect: scoreThreshold must be');
      await expect(detect(model, images, { iouThreshold: -1 })).rejects.toThrow('detect: iouThreshold must be');
      await expect(detect(model, images, { maxDetections: 0 })).rejects.toThrow('detect: maxDetections must be');
      await expect(detect(model, images, { batchSize: 0.5 })).rejects.toThrow('detect: batchSize must be');
      images.dispose();
    });

    it('has a backend with kernels for it', () => {
      for (const version of [3, 4, 5]) expect(tf.getKernel(`NonMaxSuppressionV${version}`, backend)).toBeDefined();
    });
  });
});
