import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { multiLabelLoss } from '../../src/detection/multi_label_loss.js';
import { decode, expectNear, type RecordedGroup, recorded, TOLERANCE } from '../cropr/golden.js';
import n1 from '../fixtures/cropr/module_cls_n1.json' with { type: 'json' };
import n1WithoutMlp from '../fixtures/cropr/module_cls_n1_nomlp.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';

onEachBackend(() => {
  describe('the loss of several labels', () => {
    it.each([
      ['module_cls_n1', n1],
      ['module_cls_n1_nomlp', n1WithoutMlp],
    ])('is the recorded one of %s', (_, fixture) => {
      tf.tidy(() => {
        const train: RecordedGroup = fixture.train;
        const loss = multiLabelLoss()(recorded(fixture.inputs, 'multilabel_target'), recorded(train, 'aux_logits'));
        expectNear(loss, decode(fixture.train.aux_loss_bce_multilabel), TOLERANCE, 'loss');
      });
    });

    it('has the slope sigmoid - target over the number of labels, and is finite far out', () => {
      tf.tidy(() => {
        const logits = tf.tensor2d([[0, 3, -200], [200, -1, 0.5]]); // biome-ignore format: rows
        const targets = tf.tensor2d([[1, 0, 1], [0, 0.25, 1]]); // biome-ignore format: rows
        const loss = (x: tf.Tensor): tf.Tensor => multiLabelLoss()(targets, x);
        const slope = tf.grad(loss)(logits);
        const expected = tf.div(tf.sub(tf.sigmoid(logits), targets), 6);
        expectNear(slope, { shape: [2, 3], values: expected.dataSync() }, 1e-6, 'slope');
        expect(loss(logits).dataSync()[0]).toBeCloseTo((Math.LN2 + 3.048587 + 200 + 200 + 0.563262 + 0.474077) / 6, 3);
      });
    });

    it('learns with an odd number of classes, step after step', () => {
      // On webgl the border of a texture of odd width must not reach the weights.
      const [x, y] = [tf.randomNormal([6, 4], 0, 1, 'float32', 1), tf.oneHot([0, 1, 2, 0, 1, 2], 3).toFloat()];
      const kernel = tf.variable(tf.zeros([4, 3]));
      const optimizer = tf.train.sgd(1);
      const step = (): number => {
        const value = optimizer.minimize(() => multiLabelLoss()(y, tf.matMul(x, kernel)) as tf.Scalar, true, [kernel]);
        const [loss] = value?.dataSync() ?? [];
        value?.dispose();
        return loss as number;
      };
      const losses = Array.from({ length: 8 }, step);
      expect(losses).toEqual([...losses].sort((a, b) => b - a));
      tf.dispose([x, y, kernel]);
    });

    it('refuses other shapes', () => {
      const message = 'multiLabelLoss: targets must be of the shape of the logits [2,3], received [2, 4].';
      expect(() => multiLabelLoss()(tf.zeros([2, 4]), tf.zeros([2, 3]))).toThrow(message);
    });
  });
});
