import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completionLoss, directedHausdorff } from '../../src/label-flow/completion_loss.js';
import { PointFlow } from '../../src/label-flow/point_flow_layer.js';
import { onEachBackend } from '../setup/backends.js';

type Cloud = readonly (readonly number[])[];

/** By its definition. */
function plainDistance(from: Cloud, to: Cloud): number {
  const squared = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((all, value, i) => all + (value - (b[i] as number)) ** 2, 0);
  return Math.max(...from.map((a) => Math.min(...to.map((b) => squared(a, b)))));
}

const coordinate = fc.integer({ min: -8, max: 8 }).map((n) => n / 8);
const cloud = fc.array(fc.tuple(coordinate, coordinate, coordinate), { minLength: 1, maxLength: 6 });

function judgeOf(): tf.LayersModel {
  const judge = tf.sequential();
  judge.add(tf.layers.globalAveragePooling1d({ inputShape: [null, 3] }));
  judge.add(tf.layers.dense({ units: 1, kernelInitializer: tf.initializers.constant({ value: 0.5 }) }));
  return judge;
}

onEachBackend(() => {
  describe('directedHausdorff', () => {
    it('is the distance of the remotest point from the nearest', async () => {
      await fc.assert(
        fc.asyncProperty(cloud, cloud, async (from, to) => {
          const result = tf.tidy(() => directedHausdorff(tf.tensor3d([from]), tf.tensor3d([to])));
          const [distance = Number.NaN] = await result.data();
          result.dispose();
          expect(distance).toBeCloseTo(plainDistance(from, to), 5);
          expect(distance).toBeGreaterThanOrEqual(0);
        }),
        { numRuns: 30 },
      );
    });

    it('is nothing where the cloud holds the partial shape, and moves one point on each side', async () => {
      const from = tf.tensor3d([
        [
          [0, 0, 0],
          [1, 0, 0],
        ],
      ]);
      const to = tf.tensor3d([
        [
          [0, 0, 0],
          [1, 0, 0],
          [5, 5, 5],
        ],
      ]);
      expect((await directedHausdorff(from, to).data())[0]).toBe(0);
      const farther = tf.tensor3d([
        [
          [0, 0, 0],
          [3, 0, 0],
          [5, 5, 5],
        ],
      ]);
      const [left, right] = tf.grads((a, b) => tf.sum(directedHausdorff(a as tf.Tensor, b as tf.Tensor)))([
        from,
        farther,
      ]);
      expect(Array.from((await left?.data()) ?? [])).toEqual([0, 0, 0, 2, 0, 0]);
      expect(Array.from((await right?.data()) ?? [])).toEqual([-2, 0, 0, 0, 0, 0, 0, 0, 0]);
    });

    it('refuses clouds that do not fit', () => {
      expect(() => directedHausdorff(tf.zeros([2, 3, 3]), tf.zeros([1, 3, 3]))).toThrow(
        'directedHausdorff: to must be of shape [2, points, 3], received [1, 3, 3].',
      );
    });
  });

  describe('completionLoss', () => {
    it('adds what the judge says to the distance, and leaves the judge alone', async () => {
      const judge = judgeOf();
      const [partial, points] = [tf.zeros([2, 4, 3]), tf.ones([2, 5, 3])];
      // The mean of ones, times 0.5 for each of three: the verdict is 1.5. Each point is 3 away, squared.
      const [value] = await completionLoss({ judge, adversary: 2, distance: 0.5 })(partial, points).data();
      expect(value).toBeCloseTo(2 * 0.5 ** 2 + 0.5 * 3, 5);
      expect((await completionLoss({ distance: 1 })(partial, points).data())[0]).toBeCloseTo(3, 5);
      const slope = tf.grad((x) => completionLoss({ judge, adversary: 1, distance: 0 })(partial, x))(points);
      // d (v - 1)² = 2 (v - 1) dv, dv = 0.5 / 5 per coordinate, and a mean over two clouds.
      for (const number of await slope.data()) expect(number).toBeCloseTo((2 * 0.5 * 0.1) / 2, 6);
      judge.dispose();
    });

    it('trains a flow by fit: the cloud comes nearer to the partial shape', async () => {
      const [start, code] = [tf.input({ shape: [null, 3] }), tf.input({ shape: [4] })];
      const outputs = new PointFlow({ steps: 2, hidden: 8, seed: 1 }).apply([start, code]) as tf.SymbolicTensor[];
      const model = tf.model({ inputs: [start, code], outputs: outputs[0] as tf.SymbolicTensor });
      model.compile({ optimizer: tf.train.adam(0.02), loss: completionLoss({ judge: judgeOf() }) });
      const noise = tf.randomNormal([4, 16, 3], 0, 0.3, 'float32', 1);
      const partial = tf.add(tf.randomNormal([4, 6, 3], 0, 0.1, 'float32', 2), 1);
      const { history } = await model.fit([noise, tf.ones([4, 4])], partial, {
        epochs: 20,
        shuffle: false,
        verbose: 0,
      });
      const loss = history['loss'] as number[];
      expect(loss.at(-1)).toBeLessThan(0.5 * (loss[0] as number));
    });

    it('refuses weights that mean nothing', () => {
      expect(() => completionLoss({ distance: -1 })).toThrow('completionLoss: distance must be a number of at least 0');
      expect(() => completionLoss({ adversary: 1 })).toThrow('completionLoss: judge must be a model');
    });

    it('leaves no tensor behind', () => {
      const judge = judgeOf();
      const [partial, points] = [tf.zeros([2, 4, 3]), tf.ones([2, 5, 3])];
      const before = tf.memory().numTensors;
      completionLoss({ judge })(partial, points).dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
  });
});
