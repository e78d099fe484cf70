import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { groupMeanLoss, labelFlowLoss } from '../../src/label-flow/loss.js';
import { packSignals } from '../../src/label-flow/pack.js';
import { largestError } from '../cropr/golden.js';
import { onEachBackend } from '../setup/backends.js';
import { scoped } from './golden.js';

/** A flow's output in training for these labels, with a likelihood that is not looked at. */
function trained(y: tf.Tensor): tf.Tensor {
  return tf.concat([y, tf.zeros([y.shape[0] as number, 2])], 1);
}

const SIGNALS_ALONE = { nllWeight: 0, lambdas: [0, 0, 0, 1] } as const;

onEachBackend(() => {
  describe('the running average of the loss', () => {
    const batches = [
      {
        y: [
          [0.9, 0.1],
          [0.7, 0.3],
        ],
        signals: [[[0, 1]], [[1, 0]]],
        mask: [[[1]], [[1]]],
      },
      {
        y: [
          [0.2, 0.8],
          [0.6, 0.4],
        ],
        signals: [[[1, 0]], [[0, 1]]],
        mask: [[[1]], [[0]]],
      },
    ];
    const tensors = (i: number) => {
      const { y, signals, mask } = batches[i] as (typeof batches)[number];
      return { y: tf.tensor2d(y), targets: packSignals(tf.tensor3d(signals), tf.tensor3d(mask)) };
    };

    it('counts past batches into the value and this one alone into the gradient', () => {
      scoped(() => {
        const loss = labelFlowLoss({ bounds: [[0.2, 0.2]], average: 0.5, ...SIGNALS_ALONE });
        const [first, second] = [tensors(0), tensors(1)];
        // Errors of class 0 in the first batch: 0.9 and 0.3.
        expect(loss(first.targets, trained(first.y)).dataSync()[0]).toBeCloseTo(2 * (0.6 - 0.2) ** 2, 5);
        const error = (0.5 * 1.2 + 0.8) / (0.5 * 2 + 1);
        let value = 0;
        const gradient = tf.grad((y) => {
          const now = loss(second.targets, trained(y));
          value = now.dataSync()[0] as number;
          return now;
        })(second.y);
        expect(value).toBeCloseTo(2 * (error - 0.2) ** 2, 5);
        // The second row's signal abstains.
        const slope = 2 * (error - 0.2);
        expect(largestError(gradient.dataSync(), [-slope, slope, 0, 0])).toBeLessThan(1e-5);
        loss.dispose();
      });
    });

    it('does not listen in evaluate, and starts anew once disposed', () => {
      scoped(() => {
        const loss = labelFlowLoss({ bounds: [[0.2, 0.2]], average: 0.5, ...SIGNALS_ALONE });
        const { y, targets } = tensors(0);
        const value = (outputs: tf.Tensor): number => loss(targets, outputs).dataSync()[0] as number;
        const fresh = value(trained(y));
        const other = tensors(1);
        loss(other.targets, other.y);
        expect(value(trained(y))).toBeCloseTo(fresh, 6);
        loss(other.targets, trained(other.y));
        expect(Math.abs(value(trained(y)) - fresh)).toBeGreaterThan(1e-3);
        loss.dispose();
        expect(value(trained(y))).toBeCloseTo(fresh, 6);
        loss.dispose();
      });
    });

    it('keeps two tensors while it lives, and none after', () => {
      const loss = labelFlowLoss({ bounds: [[0.2, 0.2]], average: 0.5, ...SIGNALS_ALONE });
      const before = tf.memory().numTensors;
      for (const i of [0, 1, 0]) {
        scoped(() => {
          const { y, targets } = tensors(i);
          loss(targets, trained(y));
        });
      }
      expect(tf.memory().numTensors).toBe(before + 2);
      loss.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
  });

  it('each part has its own weight', () => {
    scoped(() => {
      const y = [
        [-0.5, 1.25],
        [0.5, 0.75],
      ];
      // Log-determinants 1 and 3, log-densities -2 and -4.
      const outputs = tf.concat([tf.tensor2d(y), tf.tensor2d([1, -2, 3, -4], [2, 2])], 1);
      const targets = packSignals(tf.tensor3d([1, 0, 1, 0], [2, 1, 2]));
      const value = (nllWeight: number, ...weights: [number, number, number, number]): number =>
        labelFlowLoss({ bounds: [[0.5, 0.25]], nllWeight, lambdas: weights })(targets, outputs).dataSync()[0] as number;
      const parts = [5 / (2 * Math.LN2), 0.25 / 2, 0.0625 / 2, 0.0625, 0.5 ** 2 + 0.75 ** 2];
      parts.forEach((part, i) => {
        const [nllWeight = 0, ...weights] = parts.map((_, j) => (i === j ? 3 : 0));
        expect(value(nllWeight, ...(weights as [number, number, number, number]))).toBeCloseTo(3 * part, 5);
      });
      expect(value(1, 1, 1, 1, 1)).toBeCloseTo(
        parts.reduce((sum, part) => sum + part),
        5,
      );
    });
  });

  it('a class balance draws the mean of the labels', () => {
    scoped(() => {
      const loss = labelFlowLoss({ bounds: [[1, 1]], classBalance: [0.25, 0.75], ...SIGNALS_ALONE });
      const y = tf.tensor2d([
        [1, 0],
        [0.5, 0.5],
      ]);
      const value = loss(packSignals(tf.zeros([2, 1, 2])), trained(y)).dataSync()[0];
      expect(value).toBeCloseTo(2 * (0.75 - 0.25) ** 2, 5);
    });
  });

  it('means of groups are compared by group, and an empty group has mean 0', () => {
    scoped(() => {
      const loss = groupMeanLoss({ means: [0.5, 0.1, 0], ...SIGNALS_ALONE });
      const members = tf.tensor2d([
        [1, 0, 0],
        [1, 1, 0],
        [0, 1, 0],
      ]);
      const y = tf.tensor2d([[0.2], [0.4], [0.6]]);
      const expected = (0.3 - 0.5) ** 2 + (0.5 - 0.1) ** 2;
      expect(loss(members, trained(y)).dataSync()[0]).toBeCloseTo(expected, 5);
    });
  });
});
