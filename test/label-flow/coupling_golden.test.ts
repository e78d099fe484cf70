import * as tf from '@tensorflow/tfjs';
import { describe, it } from 'vitest';
import { couplingAffine } from '../../src/label-flow/coupling.js';
import { runFlow } from '../../src/label-flow/flow.js';
import { toRows } from '../../src/label-flow/rows.js';
import { decode, toTensor } from '../cropr/golden.js';
import affine from '../fixtures/label-flow/affine.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { expectClose, flowOf, labelsOf, ourWeights, scoped, tensorsOf } from './golden.js';

const TOLERANCE = 1e-5;

onEachBackend(() => {
  describe.each(affine.cases)('the coupling $name equals the authors’', (fixture) => {
    const flow = () =>
      flowOf(
        tensorsOf(ourWeights(fixture.weights, [''])),
        toTensor(decode(fixture.x)),
        [fixture.warp_dims],
        fixture.bn_mode,
      );
    const labels = (): ReturnType<typeof toRows> => toRows(toTensor(decode(fixture.y)));

    it('in factors and terms', () => {
      scoped(() => {
        const { couplings, conditions, ...options } = flow();
        const [weights, condition] = [couplings[0], conditions[0]];
        if (!weights || !condition) throw new Error('One coupling was asked for.');
        const { factors, terms } = couplingAffine(labels(), fixture.warp_dims, 0, weights, condition, options);
        const ofWarped = (array: Parameters<typeof decode>[0]) => {
          const rows = toRows(toTensor(decode(array)));
          const warped = fixture.warp_dims.map((dimension) => rows[dimension] as tf.Tensor);
          const tensor = labelsOf(warped);
          return { shape: tensor.shape, values: tensor.dataSync() };
        };
        expectClose(labelsOf(factors), ofWarped(fixture.scale), TOLERANCE, 'factors');
        expectClose(labelsOf(terms), ofWarped(fixture.mu), TOLERANCE, 'terms');
      });
    });

    it('forward, with the log-determinant', () => {
      scoped(() => {
        const { rows, logDet } = runFlow(labels(), flow());
        expectClose(labelsOf(rows), decode(fixture.z), TOLERANCE, 'labels');
        expectClose(tf.reshape(logDet, [-1]), decode(fixture.logdet), TOLERANCE, 'log-determinant');
      });
    });

    it('backward, of its own result and of another', () => {
      scoped(() => {
        const own = runFlow(toRows(toTensor(decode(fixture.z))), flow(), true);
        expectClose(labelsOf(own.rows), decode(fixture.reverse_of_z.y), TOLERANCE, 'own');
        expectClose(
          tf.reshape(own.logDet, [-1]),
          decode(fixture.reverse_of_z.logdet),
          TOLERANCE,
          'own log-determinant',
        );
        const other = runFlow(toRows(toTensor(decode(fixture.reverse_other.z))), flow(), true);
        expectClose(labelsOf(other.rows), decode(fixture.reverse_other.y), TOLERANCE, 'other');
        expectClose(
          tf.reshape(other.logDet, [-1]),
          decode(fixture.reverse_other.logdet),
          TOLERANCE,
          'its log-determinant',
        );
      });
    });
  });
});
