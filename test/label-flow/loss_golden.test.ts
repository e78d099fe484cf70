import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import {
  aboveBounds,
  aboveOne,
  belowZero,
  offSimplex,
  tallied,
  tallyErrors,
} from '../../src/label-flow/constraints.js';
import { logNormal, runFlow } from '../../src/label-flow/flow.js';
import { labelFlowLoss, negativeLogLikelihood } from '../../src/label-flow/loss.js';
import { packSignals } from '../../src/label-flow/pack.js';
import { toRows } from '../../src/label-flow/rows.js';
import { decode, type Recorded, toTensor } from '../cropr/golden.js';
import recordedGradients from '../fixtures/label-flow/gradients.json' with { type: 'json' };
import losses from '../fixtures/label-flow/losses.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { expectClose, flowOf, type OurWeights, ourWeights, scoped, stepPrefixes } from './golden.js';

const TOLERANCE = 5e-6;

const matrix = (array: Recorded): number[][] => toTensor(decode(array)).arraySync() as number[][];
const cube = (array: Recorded): tf.Tensor3D => toTensor(decode(array)) as tf.Tensor3D;

/** What a flow puts out in training. */
function outputsOf(y: tf.Tensor, logDet: tf.Tensor, logNoise: tf.Tensor): tf.Tensor {
  return tf.concat([y, tf.reshape(logDet, [-1, 1]), tf.reshape(logNoise, [-1, 1])], 1);
}

onEachBackend(() => {
  describe.each(losses.cases)('the losses of "$name" equal the authors’', (fixture) => {
    const [signals, mask] = [() => cube(fixture.ws), () => cube(fixture.mask)];
    const classes = fixture.y.shape[1] as number;
    const parts: Record<string, (y: tf.Tensor) => tf.Tensor> = {
      constraint_0: belowZero,
      constraint_1: aboveOne,
      constraint_sum: offSimplex,
      constraint_ws: (y) => aboveBounds(tallied(tallyErrors(y, signals(), mask())), toTensor(decode(fixture.ub))),
    };
    const total = (y: tf.Tensor, nll: tf.Tensor): tf.Tensor =>
      labelFlowLoss({ bounds: matrix(fixture.ub) })(
        packSignals(signals(), mask()),
        outputsOf(y, tf.mul(nll, classes * Math.LN2), tf.zerosLike(nll)),
      );

    it.each(Object.keys(parts))('%s and its gradient', (name) => {
      scoped(() => {
        const part = parts[name] as (y: tf.Tensor) => tf.Tensor;
        const y = toTensor(decode(fixture.y));
        const key = name as 'constraint_0';
        expect(part(y).dataSync()[0]).toBeCloseTo(fixture[key], 5);
        const gradient = tf.grad((labels) => tf.add(part(labels), tf.mul(tf.sum(labels), 0)))(y);
        expectClose(gradient, decode(fixture.grad_wrt_y[key]), TOLERANCE, name);
      });
    });

    it('total and its gradient', () => {
      scoped(() => {
        const [y, nll] = [toTensor(decode(fixture.y)), toTensor(decode(fixture.nll_per_example))];
        expect(Math.abs((total(y, nll).dataSync()[0] as number) - fixture.total)).toBeLessThan(2e-5);
        const gradient = tf.grad((labels) => total(labels, nll))(y);
        expectClose(gradient, decode(fixture.grad_wrt_y.total), TOLERANCE, 'total');
        const bits = negativeLogLikelihood(outputsOf(y, tf.mul(nll, classes * Math.LN2), tf.zerosLike(nll)), classes);
        expect(bits.dataSync()[0]).toBeCloseTo(fixture.nll, 5);
      });
    });
  });

  describe.each(recordedGradients.cases)(
    'the gradients with the statistics of "$bn_mode" equal the authors’',
    (fixture) => {
      it('for every weight by name', () => {
        const prefixes = stepPrefixes(fixture.n_flows);
        const all = ourWeights(fixture.weights, prefixes);
        const expected: OurWeights = ourWeights(fixture.grads, prefixes, false);
        scoped(() => {
          const variables = Object.fromEntries(
            Object.entries(all).map(([name, array]) => [name, tf.variable(toTensor(array), true)]),
          );
          const loss = (): tf.Scalar => {
            const noise = toRows(toTensor(decode(fixture.z)));
            const warps = prefixes.map((_, i) => [i % 2]);
            const { rows, logDet } = runFlow(
              noise,
              flowOf(variables, toTensor(decode(fixture.x)), warps, fixture.bn_mode),
            );
            const y = tf.transpose(tf.reshape(tf.concat([...rows], 0), [2, -1]));
            const targets = packSignals(cube(fixture.ws));
            const outputs = outputsOf(y, logDet, logNormal(noise));
            return labelFlowLoss({ bounds: matrix(fixture.ub) })(targets, outputs).asScalar();
          };
          const trained = Object.keys(expected).map((name) => variables[name] as tf.Variable);
          const { value, grads } = tf.variableGrads(loss, trained);
          expect(Math.abs((value.dataSync()[0] as number) / fixture.total - 1)).toBeLessThan(1e-5);
          for (const [name, gradient] of Object.entries(expected)) {
            const received = grads[(variables[name] as tf.Variable).name];
            if (!received) throw new Error(`${name} has no gradient.`);
            expectClose(received, gradient, 1e-4, name);
          }
          for (const variable of Object.values(variables)) variable.dispose();
        });
      });
    },
  );
});
