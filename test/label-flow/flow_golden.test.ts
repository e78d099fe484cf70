import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type Moments, updatedMoments } from '../../src/label-flow/batch_norm.js';
import { logNormal, runFlow } from '../../src/label-flow/flow.js';
import { toRows } from '../../src/label-flow/rows.js';
import { decode, type RecordedGroup, toTensor } from '../cropr/golden.js';
import affine from '../fixtures/label-flow/affine.json' with { type: 'json' };
import recordedFlow from '../fixtures/label-flow/flow.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { expectClose, flowOf, labelsOf, ourWeights, scoped, stepPrefixes, tensorsOf } from './golden.js';

const TOLERANCE = 1e-5;
const flat = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [-1]);

onEachBackend(() => {
  describe.each(recordedFlow.cases)('the flow with the statistics of "$bn_mode" equals the authors’', (fixture) => {
    const flow = () =>
      flowOf(
        tensorsOf(ourWeights(fixture.weights, stepPrefixes(fixture.n_flows))),
        toTensor(decode(fixture.x)),
        Array.from({ length: fixture.n_flows }, () => [[0], [1]]).flat(),
        fixture.bn_mode,
      );

    it('coupling by coupling, in labels, log-determinants and densities', () => {
      scoped(() => {
        const noise = toRows(toTensor(decode(fixture.z)));
        let place = 0;
        const { rows, logDet } = runFlow(noise, flow(), false, (after, own) => {
          const layer = fixture.layers[place++] as (typeof fixture.layers)[number];
          expectClose(labelsOf(after), decode(layer.out), TOLERANCE, layer.layer);
          expectClose(flat(own), decode(layer.logdet), TOLERANCE, `log-determinant of ${layer.layer}`);
        });
        expect(place).toBe(fixture.layers.length);
        expectClose(labelsOf(rows), decode(fixture.y), TOLERANCE, 'y');
        expectClose(flat(logDet), decode(fixture.logdet), TOLERANCE, 'log-determinant');
        const density = tf.sub(logNormal(noise), logDet);
        expectClose(flat(logNormal(noise)), decode(fixture.logp_z), TOLERANCE, 'density of the noise');
        expectClose(flat(density), decode(fixture.logp_y), TOLERANCE, 'density of the labels');
        const bits = tf.mul(flat(density), -1 / (2 * Math.LN2));
        expectClose(bits, decode(fixture.nll_bits_per_dim), TOLERANCE, 'bits per dimension');
        const exact = 'logdet_from_autograd_jacobian' in fixture ? fixture.logdet_from_autograd_jacobian : undefined;
        if (exact) expectClose(flat(logDet), decode(exact), TOLERANCE, 'log-determinant of the Jacobian');
      });
    });

    it('backward', () => {
      scoped(() => {
        const { rows, logDet } = runFlow(toRows(toTensor(decode(fixture.y))), flow(), true);
        expectClose(labelsOf(rows), decode(fixture.inverse_of_y.z), TOLERANCE, 'z');
        expectClose(flat(logDet), decode(fixture.inverse_of_y.logdet), TOLERANCE, 'log-determinant');
      });
    });
  });

  describe.each(affine.cases.filter(({ bn_mode }) => bn_mode === 'train'))('running statistics of $name', (fixture) => {
    it('after one batch equal the authors’', () => {
      scoped(() => {
        const before = tensorsOf(ourWeights(fixture.weights, ['']));
        const after = ourWeights({ ...fixture.weights, ...(fixture.bn_stats_after_one_forward as RecordedGroup) }, [
          '',
        ]);
        const flow = flowOf(before, toTensor(decode(fixture.x)), [fixture.warp_dims], 'train');
        runFlow(toRows(toTensor(decode(fixture.y))), flow);
        for (const name of ['condition', 'label', 'out'] as const) {
          const running = { mean: before[`${name}Mean`], variance: before[`${name}Variance`] } as Moments;
          const recorded = flow.statistics.recorded?.[name] ?? [];
          const { mean, variance } = updatedMoments(running, recorded, fixture.batch);
          expectClose(mean, after[`${name}Mean`] as ReturnType<typeof decode>, TOLERANCE, `${name} mean`);
          expectClose(variance, after[`${name}Variance`] as ReturnType<typeof decode>, TOLERANCE, `${name} variance`);
        }
      });
    });
  });
});
