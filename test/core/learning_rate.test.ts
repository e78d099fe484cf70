import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { baseLearningRate, getLearningRate, holdLearningRate, setLearningRate } from '../../src/core/learning_rate.js';
import { onEachBackend } from '../setup/backends.js';
import { optimizers, smallModel, train, weightValues } from './models.js';

onEachBackend(() => {
  describe('learning rate', () => {
    for (const [name, make] of Object.entries(optimizers)) {
      it(`${name}: a rate that is set equals one that was given`, async () => {
        const given = smallModel(make());
        const set = smallModel(make());
        const rate = getLearningRate(set.optimizer);
        setLearningRate(set.optimizer, 7);
        setLearningRate(set.optimizer, rate);
        for (const model of [given, set]) await train(model);
        expect(weightValues(set)).toEqual(weightValues(given));
        setLearningRate(set.optimizer, 0);
        const before = weightValues(set)[0];
        await train(set);
        // RMSProp with momentum keeps the rate within its momentum: it coasts.
        if (name === 'centred') expect(weightValues(set)[0]).not.toEqual(before);
        else expect(weightValues(set)[0]).toEqual(before);
      });
    }

    it('is given back when the last holder lets go', () => {
      const optimizer = tf.train.adam(0.5);
      const [first, second] = [holdLearningRate(optimizer), holdLearningRate(optimizer)];
      setLearningRate(optimizer, 3);
      expect(baseLearningRate(optimizer)).toBe(0.5);
      first();
      first();
      expect(getLearningRate(optimizer)).toBe(3);
      second();
      expect(getLearningRate(optimizer)).toBe(0.5);
      expect(baseLearningRate(optimizer)).toBe(0.5);
    });

    it('asks for an optimizer that has one', () => {
      const optimizer = tf.train.adam(0.5);
      Reflect.deleteProperty(optimizer, 'learningRate');
      expect(() => getLearningRate(optimizer)).toThrow('Adam: learningRate must be a number');
    });
  });

  describe('canary: Adam has no setLearningRate', () => {
    it('and SGD has', () => {
      expect('setLearningRate' in tf.train.adam(0.1)).toBe(false);
      expect('setLearningRate' in tf.train.sgd(0.1)).toBe(true);
    });

    it('and classes do not tell them apart', () => {
      expect(tf.train.adam(0.1) instanceof tf.SGDOptimizer).toBe(true);
    });
  });
});
