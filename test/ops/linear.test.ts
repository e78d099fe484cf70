import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnSums, linear, toMatrix } from '../../src/ops/linear.js';
import { onEachBackend } from '../setup/backends.js';
import { expectLaw, expectNear, plain, runs, toTensor } from './laws.js';

const size = (max: number) => fc.integer({ min: 1, max });
const last = (shape: number[]): number => shape[shape.length - 1] as number;

/** Rows of `x` times the kernel, in float64. */
function product(x: number[], kernel: number[], inner: number, outer: number, bias?: number[]): number[] {
  const rows = x.length / inner;
  return Array.from({ length: rows * outer }, (_, at) => {
    const [row, column] = [Math.floor(at / outer), at % outer];
    let sum = bias?.[column] ?? 0;
    for (let k = 0; k < inner; k++) sum += (x[row * inner + k] as number) * (kernel[k * outer + column] as number);
    return sum;
  });
}

onEachBackend((backend) => {
  describe('linear', () => {
    it('is the product of the last axis, plus bias, with all gradients', () => {
      fc.assert(
        fc.property(
          fc.array(size(3), { minLength: 1, maxLength: 3 }),
          size(5),
          size(4),
          fc.boolean(),
          (outerShape, inner, outer, withBias) => {
            const inputs = [plain([...outerShape, inner], 'x'), plain([inner, outer], 'kernel')];
            if (withBias) inputs.push(plain([outer], 'bias'));
            expectLaw({
              op: (x, kernel, bias) => linear(x as tf.Tensor, kernel as tf.Tensor, bias),
              reference: (x, kernel, bias) => product(x as number[], kernel as number[], inner, outer, bias),
              inputs,
              shape: [...outerShape, outer],
            });
          },
        ),
        runs(backend),
      );
    });

    it('takes a single row', () => {
      expectLaw({
        op: (x, kernel) => linear(x as tf.Tensor, kernel as tf.Tensor),
        reference: (x, kernel) => product(x as number[], kernel as number[], 3, 2),
        inputs: [plain([3], 'x'), plain([3, 2], 'kernel')],
        shape: [2],
      });
    });

    it('serves a dense layer of many tokens as tf.layers.dense does', () => {
      const dense = tf.layers.dense({ units: 7, inputShape: [9, 5], useBias: true, biasInitializer: 'glorotUniform' });
      const x = toTensor(plain([4, 9, 5], 'x'));
      const expected = dense.apply(x) as tf.Tensor;
      const [kernel, bias] = dense.getWeights() as [tf.Tensor, tf.Tensor];
      expectNear(linear(x, kernel, bias), Array.from(expected.dataSync()), 1e-6);
    });
  });

  describe('columnSums and toMatrix', () => {
    it('sum rows and flatten leading axes', () => {
      fc.assert(
        fc.property(fc.array(size(4), { minLength: 2, maxLength: 4 }), (shape) => {
          const columns = last(shape);
          const x = plain(shape, 'x');
          expectLaw({
            op: (x) => tf.tidy(() => columnSums(toMatrix(x as tf.Tensor))),
            reference: (x) =>
              Array.from({ length: columns }, (_, c) =>
                (x as number[]).filter((_, at) => at % columns === c).reduce((sum, value) => sum + value, 0),
              ),
            inputs: [x],
            shape: [columns],
          });
          expect(toMatrix(toTensor(x)).shape).toEqual([x.values.length / columns, columns]);
        }),
        runs(backend),
      );
    });
  });
});
