import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { boxLoss } from '../../src/detection/box_loss.js';
import { cellUnits, splitCells } from '../../src/detection/cell_layout.js';
import { detectionLoss } from '../../src/detection/detection_loss.js';
import { detectionTargets } from '../../src/detection/detection_targets.js';
import { focalLoss, weightedLogisticLoss } from '../../src/detection/focal_loss.js';
import { boxOverlap } from '../../src/detection/overlap.js';
import { expectLaw, plain } from '../ops/laws.js';
import { onEachBackend } from '../setup/backends.js';
import { SCENES, smallDetector } from './small_detector.js';
import { focal, generalisedOverlap, logistic, total } from './written_out.js';

const tensorOf = (values: readonly number[], shape: number[]): tf.Tensor => tf.tensor([...values], shape);
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const bits = [1, 0, 0, 1, 1, 0];

onEachBackend((backend) => {
  describe('focal loss', () => {
    it.each([
      [0.25, 2],
      [0.5, 0],
      [0.9, 1.5],
    ])('is the formula, with its slopes: alpha %d, gamma %d', (alpha, gamma) => {
      expectLaw({
        op: (x) => tf.tidy(() => focalLoss(x, tensorOf(bits, [2, 3]), alpha, gamma)),
        reference: (x) => [sumOf(x.map((value, i) => focal(value, bits[i] as number, alpha, gamma)))],
        inputs: [plain([2, 3], 'logits')],
        shape: [],
      });
    });

    it('is half of cross-entropy without focus, and by hand at 0', () => {
      tf.tidy(() => {
        const x = tf.tensor([0, 0]);
        // At p = 1/2: (1/4 + 3/4) · (1/2)^2 · log 2.
        expect(focalLoss(x, tf.tensor([1, 0]), 0.25, 2).dataSync()[0]).toBeCloseTo(Math.LN2 / 4, 6);
        expect(focalLoss(x, tf.tensor([1, 0]), 0.5, 0).dataSync()[0]).toBeCloseTo(Math.LN2, 6);
      });
    });

    it('is finite far out, on either side', () => {
      tf.tidy(() => {
        const x = tf.tensor([-200, 200, 200, -200]);
        const of = (x: tf.Tensor): tf.Tensor => focalLoss(x, tf.tensor([1, 0, 1, 0]), 0.25, 2);
        expect(of(x).dataSync()[0]).toBeCloseTo(200, 3);
        expect(Array.from(tf.grad(of)(x).dataSync()).map((slope) => Number(slope.toFixed(5)) + 0)).toEqual([
          -0.25, 0.75, 0, 0,
        ]);
      });
    });
  });

  describe('weighted cross-entropy', () => {
    it('is the formula, with its slopes', () => {
      const [targets, weights] = [[1, 0, 0.25, 0.5], [1, 2, 0, 0.5]]; // biome-ignore format: rows
      expectLaw({
        op: (x) => tf.tidy(() => weightedLogisticLoss(x, tf.tensor(targets), tf.tensor(weights))),
        reference: (x) => [sumOf(x.map((value, i) => (weights[i] as number) * logistic(value, targets[i] as number)))],
        inputs: [plain([4], 'logits')],
        shape: [],
      });
    });
  });

  describe('loss of boxes', () => {
    const truth = [0.5, 1.5, 2, 0.25, 1, 1, 1, 1, 0, 0, 0, 0, 0.7, 0, 0, 0.3];
    const weights = [1, 0.5, 0, 2];

    it('is one minus GIoU of the boxes, with its slopes; what has no weight counts nothing', () => {
      expectLaw({
        op: (x) => tf.tidy(() => boxLoss(x, tensorOf(truth, [4, 4]), tensorOf(weights, [4, 1]))),
        reference: (x) => [
          sumOf(
            weights.map((weight, i) => {
              const found = x.slice(4 * i, 4 * i + 4).map(Math.exp);
              return weight === 0 ? 0 : weight * (1 - generalisedOverlap(found, truth.slice(4 * i, 4 * i + 4)));
            }),
          ),
        ],
        inputs: [plain([4, 4], 'logarithms')],
        shape: [],
      });
    });

    it('by hand: 0 for the same box, and with a quarter of it 3/4', () => {
      tf.tidy(() => {
        const of = (found: number[], truth: number[]): number =>
          boxLoss(tf.log(tensorOf(found, [1, 4])), tensorOf(truth, [1, 4]), tf.ones([1, 1])).dataSync()[0] as number;
        expect(of([1, 2, 3, 0.5], [1, 2, 3, 0.5])).toBeCloseTo(0, 5);
        expect(of([1, 1, 1, 1], [2, 2, 2, 2])).toBeCloseTo(0.75, 5);
        // Crossed bars of 2 x 6: IoU 4 / 20, the hull of 36 is to 16 / 36 empty.
        expect(of([1, 3, 1, 3], [3, 1, 3, 1])).toBeCloseTo(1 - 4 / 20 + 16 / 36, 5);
      });
    });

    it('knows the plain overlap as this library measures it', () => {
      const [found, truth] = [[1, 1, 1, 1], [2, 2, 2, 2]]; // biome-ignore format: rows
      const boxOf = ([t = 0, l = 0, b = 0, r = 0]: number[]) => ({ box: [-t, -l, b, r] as const });
      expect(generalisedOverlap(found, truth)).toBe(boxOverlap(boxOf(found), boxOf(truth)));
    });

    it('is finite however far out the logarithms are', () => {
      tf.tidy(() => {
        const of = (x: tf.Tensor): tf.Tensor => boxLoss(x, tf.ones([1, 4]), tf.ones([1, 1]));
        for (const at of [-300, 300]) {
          const x = tf.fill([1, 4], at);
          const values = [of(x), tf.grad(of)(x)].flatMap((y) => Array.from(y.dataSync()));
          expect(values.every(Number.isFinite), `${values}`).toBe(true);
        }
      });
    });
  });

  describe('the cells', () => {
    it('come apart, pixels row by row', () => {
      tf.tidy(() => {
        const layout = { classes: 2, grid: [1, 2] as const, patchSize: 4, prototypes: 1, resolution: 2 };
        expect(cellUnits(layout)).toBe(12);
        const cells = tf.reshape(tf.range(0, 24), [1, 2, 12]);
        const { labels, sides, centerness, masks } = splitCells(cells, layout);
        const values = (x?: tf.Tensor): number[] => Array.from(x?.dataSync() ?? []);
        expect([values(labels), values(sides), values(centerness)]).toEqual([
          [0, 1, 12, 13],
          [2, 3, 4, 5, 14, 15, 16, 17],
          [6, 18],
        ]);
        expect([values(masks?.coefficients), values(masks?.prototypes)]).toEqual([
          [7, 19],
          [8, 9, 20, 21, 10, 11, 22, 23],
        ]);
        expect(splitCells(tf.zeros([1, 2, 7]), { ...layout, prototypes: 0 }).masks).toBeUndefined();
      });
    });
  });

  describe('detectionLoss', () => {
    const settings = { alpha: 0.3, gamma: 1.5, box: 0.7, centerness: 1.3, mask: 2, maskSamples: 3 };

    it.each([
      ['with masks', true],
      ['without', false],
    ] as const)('is its four parts written out, with their slopes: %s', (_, masks) => {
      const model = smallDetector(masks ? { masks: { prototypes: 2, resolution: 2 } } : {});
      const [cells] = detectionTargets(SCENES, model) as [tf.Tensor];
      const truth = Array.from(cells.dataSync());
      const layout = { classes: 3, grid: [2, 3] as const, patchSize: 4, prototypes: masks ? 2 : 0, resolution: 2 };
      expectLaw({
        op: (x) => detectionLoss(model, settings)(cells, x),
        reference: (x) => [total(x, truth, layout, settings)],
        inputs: [plain(cells.shape, 'outputs')],
        shape: [],
        tolerance: backend === 'webgl' ? 1e-4 : 1e-5,
      });
      cells.dispose();
      model.dispose();
    });

    it('is the focal loss alone where no image has an object', () => {
      const model = smallDetector({ masks: { prototypes: 2, resolution: 1 } });
      tf.tidy(() => {
        const [cells] = detectionTargets([[]], model) as [tf.Tensor];
        const outputs = tf.zeros(cells.shape);
        // 6 cells, 3 classes, each held for even: 0.75 · (1/2)^2 · log 2.
        expect(detectionLoss(model)(cells, outputs).dataSync()[0]).toBeCloseTo((18 * 0.75 * Math.LN2) / 4, 5);
        const slopes = tf
          .grad((x) => detectionLoss(model)(cells, x))(outputs)
          .dataSync();
        expect(slopes.every(Number.isFinite)).toBe(true);
      });
      model.dispose();
    });

    it('says what is wrong', () => {
      const model = smallDetector();
      expect(() => detectionLoss(model, { alpha: 2 })).toThrow('detectionLoss: alpha must be a number in [0, 1]');
      expect(() => detectionLoss(model, { gamma: -1 })).toThrow('detectionLoss: gamma must be');
      expect(() => detectionLoss(model, { mask: -1 })).toThrow('detectionLoss: mask must be');
      expect(() => detectionLoss(model, { maskSamples: 0 })).toThrow('detectionLoss: maskSamples must be');
      expect(() => detectionLoss(model)(tf.zeros([1, 6, 8]), tf.zeros([1, 6, 9]))).toThrow(
        'detectionLoss: targets must be of the shape of the outputs [1,6,9], received [1, 6, 8].',
      );
      model.dispose();
      const other = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })], name: 'other' });
      expect(() => detectionLoss(other)).toThrow(
        'detectionLoss: model must be one with one DetectionHead, received "other with 0".',
      );
      other.dispose();
    });
  });
});
