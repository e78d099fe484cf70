import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { layerWeights } from '../../src/core/model_weights.js';
import { randomStream } from '../../src/core/random.js';
import { ConditionalFlow, type ConditionalFlowConfig } from '../../src/label-flow/conditional_flow_layer.js';
import { largestError } from '../cropr/golden.js';
import { onEachBackend } from '../setup/backends.js';
import { scoped } from './golden.js';

const BATCH = 7;
const FEATURES = 3;

function normal(purpose: string, shape: number[], scale = 1): tf.Tensor {
  const stream = randomStream(5, purpose);
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => scale * stream.normal()),
    shape,
  );
}

/** A flow that is far from the identity. */
function flowOf(config: Partial<ConditionalFlowConfig>): ConditionalFlow {
  const flow = new ConditionalFlow({ labelSize: 2, hidden: 5, steps: 3, seed: 1, ...config });
  flow.build([null, FEATURES]);
  flow.built = true;
  for (const { name, variable } of layerWeights({ layer: flow, name: 'flow', key: 'flow' })) {
    if (variable.trainable) tf.tidy(() => variable.assign(tf.add(variable, normal(name, variable.shape, 0.3))));
  }
  return flow;
}

function disposed(flow: ConditionalFlow): void {
  for (const { variable } of layerWeights({ layer: flow, name: 'flow', key: 'flow' })) variable.dispose();
}

/** Determinant by elimination, in double precision. */
function determinant(matrix: number[][]): number {
  const rows = matrix.map((row) => [...row]);
  let product = 1;
  for (let i = 0; i < rows.length; i++) {
    const pivot = rows[i] as number[];
    product *= pivot[i] as number;
    for (const row of rows.slice(i + 1)) {
      const factor = (row[i] as number) / (pivot[i] as number);
      row.forEach((value, j) => {
        row[j] = value - factor * (pivot[j] as number);
      });
    }
  }
  return product;
}

onEachBackend(() => {
  describe.each([1, 2, 3, 5])('a flow of %d label dimensions', (labelSize) => {
    const noise = (): tf.Tensor => normal('noise', [BATCH, labelSize]);
    const features = (): tf.Tensor => normal('features', [BATCH, FEATURES]);

    it.each(['running', 'batch'] as const)('is undone by its inverse, with %s statistics', (statistics) => {
      scoped(() => {
        const flow = flowOf({ labelSize, statistics });
        const [x, z] = [features(), noise()];
        const y = flow.sample(x, z);
        expect(largestError(y.dataSync(), z.dataSync())).toBeGreaterThan(0.1);
        expect(largestError(flow.encode(x, y).dataSync(), z.dataSync())).toBeLessThan(1e-5);
        disposed(flow);
      });
    });

    it('has the log-determinant of its Jacobian', () => {
      scoped(() => {
        const flow = flowOf({ labelSize });
        const [x, z] = [features(), noise()];
        const y = flow.sample(x, z);
        const density = flow.logProb(x, y).dataSync();
        // Row i of the Jacobian: the gradient of label i; each batch row depends on its own noise alone.
        const gradients = Array.from({ length: labelSize }, (_, i) =>
          tf
            .grad((noise) => tf.sum(tf.slice(flow.sample(x, noise), [0, i], [BATCH, 1])))(z)
            .arraySync(),
        ) as number[][][];
        const given = z.arraySync() as number[][];
        for (let row = 0; row < BATCH; row++) {
          const jacobian = gradients.map((gradient) => gradient[row] as number[]);
          const ofNoise = (given[row] as number[]).reduce((sum, v) => sum - 0.5 * (v * v + Math.log(2 * Math.PI)), 0);
          const expected = ofNoise - Math.log(Math.abs(determinant(jacobian)));
          expect(Math.abs((density[row] as number) - expected)).toBeLessThan(1e-4);
        }
        disposed(flow);
      });
    });

    it('takes several samples per row as it takes each', () => {
      scoped(() => {
        const flow = flowOf({ labelSize });
        const x = features();
        const z = normal('samples', [3, BATCH, labelSize]);
        const together = tf.unstack(flow.sample(x, z));
        tf.unstack(z).forEach((one, i) => {
          const alone = flow.sample(x, one).dataSync();
          expect(largestError((together[i] as tf.Tensor).dataSync(), alone)).toBeLessThan(1e-6);
        });
        expect(flow.logProb(x, z).shape).toEqual([3, BATCH]);
        disposed(flow);
      });
    });

    it('gives finite samples for features that were never scaled', () => {
      scoped(() => {
        const flow = flowOf({ labelSize });
        for (const scale of [1e6, 1e-30]) {
          const y = flow.sample(tf.mul(features(), scale), noise()).dataSync();
          expect(y.every(Number.isFinite), `features times ${scale}`).toBe(true);
        }
        disposed(flow);
      });
    });
  });

  it('the density of a number sums to 1', () => {
    scoped(() => {
      const flow = flowOf({ labelSize: 1 });
      const x = tf.tile(normal('features', [1, FEATURES]), [4001, 1]);
      const y = tf.reshape(tf.linspace(-20, 20, 4001), [-1, 1]);
      expect((tf.sum(tf.exp(flow.logProb(x, y))).dataSync()[0] as number) * 0.01).toBeCloseTo(1, 3);
      disposed(flow);
    });
  });

  it('a prediction depends on its row alone, in any order and batch', () => {
    scoped(() => {
      const flow = flowOf({});
      const x = normal('features', [BATCH, FEATURES]);
      const predicted = flow.apply(x) as tf.Tensor;
      const turned = flow.apply(tf.reverse(x, 0)) as tf.Tensor;
      expect(largestError(tf.reverse(turned, 0).dataSync(), predicted.dataSync())).toBeLessThan(1e-6);
      disposed(flow);
    });
  });

  it('a prediction reads the features once for all its samples, in two products for all networks', async () => {
    const x = normal('features', [BATCH, FEATURES]);
    for (const samples of [1, 10]) {
      const flow = flowOf({ samples, steps: 3 });
      const { kernels } = await tf.profile(() => flow.apply(x) as tf.Tensor);
      const products = kernels.filter(({ name }) => name === 'BatchMatMul');
      // Each of the six couplings has three more, for the kept labels.
      expect(products).toHaveLength(2 + 6 * 3);
      disposed(flow);
    }
    x.dispose();
  });

  it('training moves the running statistics, prediction does not', () => {
    scoped(() => {
      const flow = flowOf({});
      const x = normal('features', [BATCH, FEATURES]);
      const statistics = (): number[] => {
        const named = layerWeights({ layer: flow, name: 'flow', key: 'flow' });
        return named.filter(({ variable }) => !variable.trainable).flatMap(({ variable }) => [...variable.dataSync()]);
      };
      const before = statistics();
      flow.apply(x);
      flow.sample(x);
      expect(statistics()).toEqual(before);
      flow.apply(x, { training: true });
      expect(largestError(statistics(), before)).toBeGreaterThan(1e-3);
      disposed(flow);
    });
  });

  it('draws other noise at each step of training, and the same from the same seed', () => {
    scoped(() => {
      const x = normal('features', [BATCH, FEATURES]);
      const runs = [1, 1, 2].map((seed) => {
        const flow = flowOf({ seed });
        const outputs = [0, 1].map(() => (flow.apply(x, { training: true }) as tf.Tensor).dataSync());
        disposed(flow);
        return outputs;
      });
      const [first = [], again = []] = runs;
      expect(first).toEqual(again);
      expect(first[0]).not.toEqual(first[1]);
    });
  });
});

describe('unstack of tfjs', () => {
  it('still cannot be differentiated where there is one part', () => {
    tf.tidy(() => {
      const gradient = tf.grad((x) => tf.sum(tf.unstack(x)[0] as tf.Tensor));
      expect(() => gradient(tf.ones([1, 2]))).toThrow();
    });
  });
});
