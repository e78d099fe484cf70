import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { relu } from '../../src/label-flow/activation.js';
import { batchStatistics } from '../../src/label-flow/batch_norm.js';
import { conditions } from '../../src/label-flow/conditioning.js';
import { overPoints, runFlow } from '../../src/label-flow/flow.js';
import { runningStatistics, unstackCouplings } from '../../src/label-flow/flow_weights.js';
import { PointFlow } from '../../src/label-flow/point_flow_layer.js';
import { fromRows, toRows } from '../../src/label-flow/rows.js';
import { decode, largestError, type NumberArray, type RecordedGroup, toTensor } from '../cropr/golden.js';
import fixture from '../fixtures/label-flow/pointflow.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { expectClose, ourWeights, scoped, tensorsOf } from './golden.js';

const TOLERANCE = 1e-5;
const COUPLINGS = ['nvp1', 'nvp2', 'nvp3'];

/** The names that the label flow's state dict has, for those of the point flow's; a leading axis of 1 goes. */
function labelFlowNames(weights: RecordedGroup): RecordedGroup {
  const parts: readonly [RegExp, string][] = [
    [/_0_cond_w\.\w+_film_w0_bn\./, '_cond_w.1.'],
    [/_0_cond_w\.\w+_film_w0\./, '_cond_w.0.'],
    [/_0_cond_w\.\w+_film_w1\./, '_cond_w.3.'],
    [/_0_cond_b\.\w+_film_b0_bn\./, '_cond_b.1.'],
    [/_0_cond_b\.\w+_film_b0\./, '_cond_b.0.'],
    [/_0_cond_b\.\w+_film_b1\./, '_cond_b.3.'],
    [/_0\.\w+_sd0_bn\./, '_y_keep.1.'],
    [/_0\.\w+_sd0\./, '_y_keep.0.'],
    [/_0\.\w+_sd1_bn\./, '_y_keep.4.'],
    [/_0\.\w+_sd1\./, '_y_keep.3.'],
    [/_1\.\w+_sd2\./, '_merge.1.'],
  ];
  const renamed = Object.entries(weights).map(([name, array]) => {
    const head = name.replace('T_mu', 'b').replace('T_logvar', 's');
    const [from, to] = parts.find(([pattern]) => pattern.test(head)) ?? [/^$/, ''];
    const shape = array.shape[0] === 1 && array.shape.length > 1 ? array.shape.slice(1) : array.shape;
    return [head.replace(from, to), { ...array, shape }] as const;
  });
  return Object.fromEntries(renamed);
}

/** Weights of three recorded couplings, in our layout. The published point flow has no bias there: ours takes none away. */
function pointWeights(weights: RecordedGroup): Record<string, NumberArray> {
  const named = labelFlowNames(weights);
  const zeroBias = Object.fromEntries(
    COUPLINGS.flatMap((coupling) => ['s', 'b'].map((head) => `${coupling}.${head}_y_keep`)).map((prefix) => {
      const width = named[`${prefix}.4.running_mean`]?.shape[0] as number;
      return [`${prefix}.3.bias`, named[`${prefix}.3.bias`] ?? { shape: [width], int32: Array(width).fill(0) }];
    }),
  );
  return ourWeights(
    { ...named, ...zeroBias },
    COUPLINGS.map((coupling) => `${coupling}.`),
  );
}

/** `[B, 3, N]` as points `[B, N, 3]`. */
function pointsOf(array: Parameters<typeof decode>[0]): tf.Tensor {
  return tf.transpose(toTensor(decode(array)), [0, 2, 1]);
}

onEachBackend(() => {
  describe.each(fixture.cases)(
    'the point flow of pattern $pattern with the statistics of "$bn_mode" equals the published',
    (one) => {
      const flow = () => {
        const weights = tensorsOf(pointWeights(one.weights as RecordedGroup)) as unknown as Parameters<
          typeof conditions
        >[2] &
          Parameters<typeof runningStatistics>[0];
        const couplings = unstackCouplings({ ...weights });
        const statistics = one.bn_mode === 'train' ? batchStatistics() : runningStatistics(weights, couplings);
        const said = conditions(toTensor(decode(one.g)), 3, weights, statistics, true);
        return { warps: one.warp_inds, couplings, conditions: said, statistics, activation: relu, joint: true };
      };

      it('coupling by coupling, in points and log-determinants', () => {
        scoped(() => {
          const start = pointsOf(one.p);
          const outputs = tf.unstack(toTensor(decode(one.outputs)));
          let place = 0;
          const { logDet } = runFlow(toRows(start), flow(), false, (rows) => {
            const expected = tf.transpose(outputs[place++] as tf.Tensor, [0, 2, 1]);
            const values = { shape: expected.shape, values: expected.dataSync() };
            expectClose(fromRows(rows, start.shape), values, TOLERANCE, `coupling ${place}`);
          });
          expect(place).toBe(3);
          // The published scale of a coordinate that is kept is not 1 but sqrt(1 + 1e-6), at every point.
          expectClose(overPoints(logDet), decode(one.logdet_sum_over_points), 3e-5, 'log-determinant');
        });
      });

      it('backward', () => {
        scoped(() => {
          const last = tf.unstack(toTensor(decode(one.outputs))).at(-1) as tf.Tensor;
          const end = tf.transpose(last, [0, 2, 1]);
          const { rows } = runFlow(toRows(end), flow(), true);
          const expected = pointsOf(one.inverse_of_last);
          const values = { shape: expected.shape, values: expected.dataSync() };
          expectClose(fromRows(rows, end.shape), values, TOLERANCE, 'points');
        });
      });
    },
  );

  describe.each([1, 2, 3])('a PointFlow of %d steps', (steps) => {
    it.each(['running', 'batch'] as const)(
      'is undone by encode, and its density is the noise’s less the log-determinant, with %s statistics',
      (statistics) => {
        scoped(() => {
          const flow = new PointFlow({ hidden: 4, steps, statistics, seed: 1 });
          const [noise, code] = [
            tf.randomNormal([3, 8, 3], 0, 1, 'float32', 1),
            tf.randomNormal([3, 2], 0, 1, 'float32', 2),
          ];
          const [points, logDet] = flow.apply([noise, code]) as [tf.Tensor, tf.Tensor];
          expect(points.shape).toEqual([3, 8, 3]);
          expect(largestError(flow.encode(code, points).dataSync(), noise.dataSync())).toBeLessThan(1e-5);
          const ofNoise = tf.sum(tf.sub(tf.mul(tf.square(noise), -0.5), 0.5 * Math.log(2 * Math.PI)), [1, 2]);
          const expected = tf.sub(ofNoise, tf.squeeze(logDet, [1]));
          expect(largestError(flow.logProb(code, points).dataSync(), expected.dataSync())).toBeLessThan(1e-3);
          for (const weight of flow.weights) weight.dispose();
        });
      },
    );
  });

  it('a PointFlow treats points as a set', () => {
    scoped(() => {
      const flow = new PointFlow({ hidden: 4, steps: 2, seed: 1 });
      const [noise, code] = [
        tf.randomNormal([2, 5, 3], 0, 1, 'float32', 1),
        tf.randomNormal([2, 2], 0, 1, 'float32', 2),
      ];
      const [points] = flow.apply([noise, code]) as [tf.Tensor];
      const [turned] = flow.apply([tf.reverse(noise, 1), code]) as [tf.Tensor];
      expect(largestError(tf.reverse(turned, 1).dataSync(), points.dataSync())).toBeLessThan(1e-6);
      for (const weight of flow.weights) weight.dispose();
    });
  });
});
