import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crossEntropy } from '../../src/forgetting/cross_entropy.js';
import { normal } from '../core/models.js';
import recorded from '../fixtures/forgetting/label_smoothing.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';

/** The textbook sum, in float64. */
function reference(target: number[], logits: number[], smoothing: number): number {
  const largest = Math.max(...logits);
  const logSum = largest + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  const nll = target.reduce((sum, share, k) => sum + share * (logSum - (logits[k] as number)), 0);
  const even = logits.reduce((sum, value) => sum + (logSum - value) / logits.length, 0);
  return (1 - smoothing) * nll + smoothing * even;
}

onEachBackend((backend) => {
  if (backend === 'webgl') {
    it('canary: on webgl a product with an odd inner size adds up what exp has written outside of its factors', () => {
      const ones = (rows: number, columns: number): tf.Tensor2D =>
        tf.exp(tf.matMul(tf.zeros([rows, 4]), tf.zeros([4, columns])));
      expect(tf.matMul(ones(4, 3), ones(3, 2)).dataSync()[0]).not.toBe(3);
      const clean = tf.div(ones(3, 2), 1) as tf.Tensor2D;
      expect(tf.matMul(ones(4, 3), clean).dataSync()[0]).toBe(3);
    });
  }

  describe('crossEntropy', () => {
    it('equals (1-s) nll + s mean(-log p) for one-hot and soft targets and large logits', () => {
      const logit = fc.float({ min: -200, max: 200, noNaN: true });
      const share = fc.float({ min: Math.fround(0.01), max: 1, noNaN: true });
      fc.assert(
        fc.property(
          fc.array(fc.tuple(logit, share), { minLength: 2, maxLength: 6 }),
          fc.float({ min: 0, max: 1, noNaN: true }),
          (pairs, smoothing) => {
            const total = pairs.reduce((sum, [, one]) => sum + one, 0);
            const target = pairs.map(([, one]) => one / total);
            const logits = pairs.map(([one]) => one);
            const value = tf.tidy(() =>
              crossEntropy({ labelSmoothing: smoothing })(tf.tensor2d([target]), tf.tensor2d([logits])).dataSync(),
            );
            const expected = reference(target, logits, smoothing);
            expect(Math.abs((value[0] as number) - expected)).toBeLessThan(1e-5 * (1 + Math.abs(expected)));
          },
        ),
        { numRuns: 50 },
      );
    });

    it('equals the published loss with label smoothing, and its gradient', () => {
      expect(recorded.cases.map(({ smoothing }) => smoothing)).toContain(0.1);
      for (const { smoothing, shape, logits, classes, loss, gradient } of recorded.cases) {
        const target = tf.oneHot(tf.tensor1d(classes, 'int32'), shape[1] as number);
        const mean = (x: tf.Tensor): tf.Tensor => tf.mean(crossEntropy({ labelSmoothing: smoothing })(target, x));
        const { value, grad } = tf.valueAndGrad(mean)(tf.tensor(logits, shape));
        expect(value.dataSync()[0]).toBeCloseTo(loss, 5);
        Array.from(grad.dataSync()).forEach((received, i) => {
          expect(received).toBeCloseTo(gradient[i] as number, 6);
        });
      }
    });

    it("has the textbook's gradient: softmax minus smoothed target", () => {
      const logits = normal(1, 'logits', [3, 4]);
      const target = tf.tensor2d([
        [1, 0, 0, 0],
        [0, 0, 0.3, 0.7],
        [0, 1, 0, 0],
      ]);
      const loss = crossEntropy({ labelSmoothing: 0.1 });
      const gradient = tf.grad((x) => tf.sum(loss(target, x)))(logits);
      const expected = tf.sub(tf.softmax(logits as tf.Tensor2D), tf.add(tf.mul(target, 0.9), 0.1 / 4));
      const difference = tf.max(tf.abs(tf.sub(gradient, expected))).dataSync()[0];
      expect(difference).toBeLessThan(1e-6);
    });

    it('returns [B] for [B, K] and for [B, N, K], the mean over N', () => {
      const logits = normal(1, 'many', [2, 3, 4]);
      const target = tf.oneHot(
        tf.tensor2d(
          [
            [0, 1, 2],
            [3, 0, 1],
          ],
          [2, 3],
          'int32',
        ),
        4,
      );
      const loss = crossEntropy();
      const all = loss(target, logits);
      expect(all.shape).toEqual([2]);
      const parts = [0, 1, 2].map((n) =>
        loss(
          tf.squeeze(tf.slice(target, [0, n, 0], [2, 1, 4]), [1]),
          tf.squeeze(tf.slice(logits, [0, n, 0], [2, 1, 4]), [1]),
        ),
      );
      expect(tf.max(tf.abs(tf.sub(all, tf.div(tf.addN(parts), 3)))).dataSync()[0]).toBeLessThan(1e-6);
    });

    it('serves every output of a model in fit', async () => {
      const input = tf.input({ shape: [3] });
      const wide = tf.layers.dense({ units: 4 });
      const main = tf.layers.dense({ units: 2 }).apply(wide.apply(input)) as tf.SymbolicTensor;
      const aux = tf.layers.reshape({ targetShape: [2, 2] }).apply(wide.apply(input)) as tf.SymbolicTensor;
      const model = tf.model({ inputs: input, outputs: [main, aux] });
      model.compile({ optimizer: tf.train.adam(0.05), loss: crossEntropy({ labelSmoothing: 0.1 }) });
      const x = normal(1, 'x', [8, 3]);
      const y = tf.oneHot(tf.cast(tf.greaterEqual(tf.slice(x, [0, 0], [8, 1]), 0), 'int32').reshape([8]), 2);
      const targets = [y, tf.stack([y, y], 1)];
      const { numTensors } = tf.memory();
      const { history } = await model.fit(x, targets, { epochs: 20, verbose: 0 });
      const losses = history['loss'] as number[];
      expect(losses[19]).toBeLessThan((losses[0] as number) * 0.8);
      const slots = 2 * model.trainableWeights.length;
      expect(tf.memory().numTensors).toBe(numTensors + slots);
    });

    it('weighs samples by class', async () => {
      const model = tf.sequential({
        layers: [tf.layers.dense({ units: 2, inputShape: [1], kernelInitializer: 'zeros' })],
      });
      model.compile({ optimizer: tf.train.sgd(0), loss: crossEntropy() });
      const y = tf.tensor2d([
        [1, 0],
        [0, 1],
      ]);
      const { history } = await model.fit(tf.ones([2, 1]), y, { verbose: 0, classWeight: { 0: 3, 1: 1 } });
      expect(history['loss']?.[0]).toBeCloseTo((4 / 2) * Math.log(2), 5);
    });
  });
});

describe('canary: tfjs cannot save a loss function', () => {
  it('so a model that was saved with its optimizer is compiled again', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [1] })] });
    model.compile({ optimizer: 'sgd', loss: crossEntropy() });
    let saved: tf.io.ModelArtifacts | undefined;
    const keep = tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    });
    await model.save(keep, { includeOptimizer: true });
    expect(saved?.trainingConfig?.loss).toEqual({});
  });
});

describe('bad input', () => {
  it('is named', () => {
    expect(() => crossEntropy({ labelSmoothing: 1.5 })).toThrow(
      'crossEntropy: labelSmoothing must be a number in [0, 1]',
    );
    expect(() => crossEntropy()(tf.zeros([2, 3]), tf.zeros([2, 4]))).toThrow(
      'crossEntropy: target must be of the shape of the logits [2,4], rank 2 or more, received [2, 3].',
    );
    expect(() => crossEntropy()(tf.zeros([2]), tf.zeros([2]))).toThrow('rank 2 or more');
  });
});
