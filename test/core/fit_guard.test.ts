import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { onFitEnd } from '../../src/core/fit_guard.js';
import { onEachBackend } from '../setup/backends.js';
import { smallModel, traces, train, trainingData } from './models.js';

const boom = () => new tf.CustomCallback({ onBatchEnd: () => Promise.reject(new Error('boom')) });

/** A callback that registers a listener when training begins. */
function guarding(model: tf.LayersModel, listener: () => void): tf.CustomCallback {
  return new tf.CustomCallback({
    onTrainBegin: () => {
      onFitEnd(model, listener);
    },
  });
}

onEachBackend(() => {
  describe('onFitEnd', () => {
    it('calls back once when fit ends, and leaves a plain property', async () => {
      const model = smallModel();
      const plain = Object.getOwnPropertyDescriptor(model, 'isTraining');
      let calls = 0;
      await train(model, { epochs: 2, callbacks: [guarding(model, () => calls++)] });
      expect(calls).toBe(1);
      expect(Object.getOwnPropertyDescriptor(model, 'isTraining')).toEqual(plain);
    });

    it('calls back when fit throws', async () => {
      const model = smallModel();
      let calls = 0;
      await expect(train(model, { callbacks: [guarding(model, () => calls++), boom()] })).rejects.toThrow('boom');
      expect(calls).toBe(1);
      expect(traces(model)).toEqual([]);
      await train(model);
    });

    it('calls back when fitDataset throws', async () => {
      const model = smallModel();
      const { x, y } = trainingData();
      const data = tf.data.zip({ xs: tf.data.array(tf.unstack(x)), ys: tf.data.array(tf.unstack(y)) }).batch(5);
      let calls = 0;
      const callbacks = [guarding(model, () => calls++), boom()];
      await expect(
        model.fitDataset(data as tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }>, {
          epochs: 1,
          verbose: 0,
          callbacks,
        }),
      ).rejects.toThrow('boom');
      expect(calls).toBe(1);
      expect(traces(model)).toEqual([]);
    });

    it('still reports that fit is under way, and refuses a second one', async () => {
      const model = smallModel();
      let refused = '';
      const nosy = new tf.CustomCallback({
        onBatchEnd: async () => {
          await train(model).catch((error: Error) => {
            refused = error.message;
          });
        },
      });
      let calls = 0;
      await train(model, { batchSize: 10, callbacks: [guarding(model, () => calls++), nosy] });
      expect(refused).toContain('another fit() call is ongoing');
      expect(calls).toBe(1);
    });

    it('serves several listeners, and takes one back', () => {
      const model = smallModel();
      const calls: string[] = [];
      onFitEnd(model, () => calls.push('a'));
      const back = onFitEnd(model, () => calls.push('b'));
      onFitEnd(model, () => {
        calls.push('c');
        throw new Error('c');
      });
      onFitEnd(model, () => calls.push('d'));
      back();
      expect(() => Reflect.set(model, 'isTraining', false)).toThrow('c');
      expect(calls).toEqual(['a', 'c', 'd']);
      expect(traces(model)).toEqual([]);
    });

    it('does not take the beginning of a fit for its end', async () => {
      const model = smallModel();
      let calls = 0;
      onFitEnd(model, () => calls++);
      let during = -1;
      const watch = new tf.CustomCallback({
        onBatchEnd: () => {
          during = calls;
        },
      });
      await train(model, { callbacks: [watch] });
      expect(during).toBe(0);
      expect(calls).toBe(1);
    });

    it('leaves nothing once the last listener is taken back', () => {
      const model = smallModel();
      onFitEnd(model, () => {})();
      expect(traces(model)).toEqual([]);
    });
  });

  describe('canary: tfjs does not call onTrainEnd when fit throws', () => {
    it('so the guard is needed', async () => {
      const model = smallModel();
      let ended = false;
      const watch = new tf.CustomCallback({
        onTrainEnd: () => {
          ended = true;
        },
      });
      await expect(train(model, { callbacks: [watch, boom()] })).rejects.toThrow('boom');
      expect(ended).toBe(false);
    });
  });
});
