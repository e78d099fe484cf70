import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { classSelfDistillation, pairByClass } from '../../src/forgetting/class_self_distillation.js';
import { decode, expectNear, type Recorded, toTensor } from '../cropr/golden.js';
import recorded from '../fixtures/forgetting/cs_kd.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';

onEachBackend(() => {
  describe('classSelfDistillation', () => {
    it('has the loss and the gradient of the published code', () => {
      for (const { temperature, lambda_, logits, pair_logits, targets, total, grad } of recorded.cases) {
        const loss = classSelfDistillation({ temperature, weight: lambda_ });
        const one = toTensor(decode(logits as Recorded)) as tf.Tensor2D;
        const pair = toTensor(decode(pair_logits as Recorded)) as tf.Tensor2D;
        const hot = tf.oneHot(tf.tensor1d(targets, 'int32'), one.shape[1]);
        const y = tf.concat([hot, hot]);
        const run = (x: tf.Tensor): tf.Scalar => tf.mean(loss(y, tf.concat([x, pair])));
        const { value, grad: gradient } = tf.valueAndGrad(run)(one);
        // Relative: 1e-6 is two units in the last place here.
        expect(Math.abs((value.dataSync()[0] as number) / total - 1)).toBeLessThan(1e-6);
        expectNear(gradient, decode(grad as Recorded), 1e-6, 'gradient');
        const toPair = tf.grad((x) => tf.mean(loss(y, tf.concat([tf.zerosLike(one), x]))))(pair);
        expect(Array.from(toPair.dataSync()).every((entry) => entry === 0)).toBe(true);
      }
    });

    it('is cross-entropy where the weight is zero or the partners agree', () => {
      const x = tf.tensor2d([
        [1, 2],
        [0, 3],
        [1, 2],
        [0, 3],
      ]);
      const y = tf.tensor2d([
        [1, 0],
        [0, 1],
        [1, 0],
        [0, 1],
      ]);
      const plain = tf.losses.softmaxCrossEntropy(y, x).dataSync()[0] as number;
      for (const loss of [classSelfDistillation({ weight: 0 }), classSelfDistillation()]) {
        expect(tf.mean(loss(y, x)).dataSync()[0]).toBeCloseTo(plain, 5);
      }
    });

    it('names bad input', () => {
      expect(() => classSelfDistillation({ temperature: 0 })).toThrow('classSelfDistillation: temperature must be');
      expect(() => classSelfDistillation({ weight: -1 })).toThrow('classSelfDistillation: weight must be');
      expect(() => classSelfDistillation()(tf.zeros([3, 2]), tf.zeros([3, 2]))).toThrow(
        'classSelfDistillation: target must be of the shape of the logits [3,2], [2B, K], received [3, 2].',
      );
    });
  });
});

describe('pairByClass', () => {
  it('pairs each sample with another of its class, batch by batch', () => {
    const labels = [0, 1, 2, 0, 1, 0, 1, 1, 3, 0];
    const order = pairByClass(labels, 6, 5);
    expect(order).toHaveLength(20);
    const firsts: number[] = [];
    for (let start = 0; start < order.length; start += 6) {
      const batch = order.slice(start, start + 6);
      const half = batch.length / 2;
      for (let i = 0; i < half; i++) {
        const [one, other] = [batch[i] as number, batch[half + i] as number];
        firsts.push(one);
        expect(labels[other]).toBe(labels[one]);
        expect(one === other).toBe(labels.filter((label) => label === labels[one]).length === 1);
      }
    }
    expect(firsts.sort((a, b) => a - b)).toEqual(labels.map((_, i) => i));
    expect(pairByClass(labels, 6, 5)).toEqual(order);
    expect(pairByClass(labels, 6, 6)).not.toEqual(order);
  });

  it('names bad input', () => {
    expect(() => pairByClass([0], 3, 1)).toThrow('pairByClass: batchSize / 2 must be an integer of at least 1');
  });
});
