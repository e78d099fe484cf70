import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { layerWeights, modelLayers, modelWeights, weightsByVariable } from '../../src/core/model_weights.js';
import { onEachBackend } from '../setup/backends.js';
import { smallModel } from './models.js';

function nested(): tf.LayersModel {
  const inner = tf.sequential({ name: 'inner' });
  inner.add(tf.layers.dense({ name: 'a', units: 2, inputShape: [3] }));
  inner.add(tf.layers.dense({ name: 'b', units: 2 }));
  const input = tf.input({ shape: [3] });
  const middle = inner.apply(input) as tf.SymbolicTensor;
  const output = tf.layers.dense({ name: 'c', units: 1 }).apply(middle) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: output });
}

onEachBackend(() => {
  describe('modelWeights', () => {
    it('names layer, weight and variable, trainable or not', () => {
      const model = smallModel();
      const weights = modelWeights(model);
      expect(weights.map(({ key }) => key)).toEqual([
        'body/kernel',
        'body/bias',
        'norm/gamma',
        'norm/beta',
        'norm/moving_mean',
        'norm/moving_variance',
        'head/kernel',
        'head/bias',
      ]);
      expect(weights[0]).toMatchObject({ layer: 'body', name: 'kernel' });
      expect(weights[0]?.variable.shape).toEqual([3, 4]);
    });

    it('finds the right variable where two models use the same names', () => {
      const [first, second] = [smallModel(), smallModel()];
      const names = (model: tf.LayersModel) => [...weightsByVariable(model).keys()];
      const [mine, theirs] = [names(first), names(second)];
      expect(mine.filter((name) => theirs.includes(name))).toEqual([]);
      expect(weightsByVariable(second).get(theirs[0] as string)?.key).toBe('body/kernel');
      expect(weightsByVariable(second).get(theirs[0] as string)?.variable).toBe(modelWeights(second)[0]?.variable);
    });

    it('gives equal models equal keys, also where tfjs makes the names up', () => {
      const build = () => {
        const model = tf.sequential();
        model.add(tf.layers.dense({ units: 2, inputShape: [3] }));
        model.add(tf.layers.dense({ units: 2 }));
        const input = tf.input({ shape: [3] });
        return tf.model({
          inputs: input,
          outputs: tf.layers.dense({ units: 1 }).apply(model.apply(input)) as tf.SymbolicTensor,
        });
      };
      const keys = (model: tf.LayersModel) => modelWeights(model).map(({ key }) => key);
      const names = (model: tf.LayersModel) => modelLayers(model).map(({ name }) => name);
      const [first, second] = [build(), build()];
      expect(names(first)).not.toEqual(names(second));
      expect(keys(first)).toEqual(keys(second));
      expect(new Set(keys(first)).size).toBe(6);
    });

    it('walks into nested models, from input to output', () => {
      const layers = modelLayers(nested()).filter(({ layer }) => layer.weights.length > 0);
      expect(layers.map(({ name }) => name)).toEqual(['inner/a', 'inner/b', 'c']);
    });

    it('counts a shared layer once', () => {
      const shared = tf.layers.dense({ name: 'shared', units: 3 });
      const input = tf.input({ shape: [3] });
      const output = shared.apply(shared.apply(input)) as tf.SymbolicTensor;
      expect(modelWeights(tf.model({ inputs: input, outputs: output })).map(({ key }) => key)).toEqual([
        'shared/kernel',
        'shared/bias',
      ]);
    });

    it('names a layer by its first place where an inner model uses it again', () => {
      const shared = tf.layers.dense({ name: 'shared', units: 3, inputShape: [3] });
      const input = tf.input({ shape: [3] });
      const first = shared.apply(input) as tf.SymbolicTensor;
      const inner = tf.sequential({ name: 'inner', layers: [shared] });
      const model = tf.model({ inputs: input, outputs: inner.apply(first) as tf.SymbolicTensor });
      const named = modelLayers(model).filter(({ layer }) => layer === shared);
      expect(named.map(({ name }) => name)).toEqual(['shared']);
    });

    it('keeps the weights of a wrapper apart', () => {
      const model = tf.sequential();
      const lstm = tf.layers.lstm({ units: 2 }) as tf.RNN;
      model.add(tf.layers.bidirectional({ name: 'both', layer: lstm, inputShape: [4, 3] }));
      const keys = modelWeights(model).map(({ key }) => key);
      expect(keys).toHaveLength(6);
      expect(new Set(keys).size).toBe(6);
    });

    it('keeps the keys when a layer is frozen', () => {
      const model = smallModel();
      const before = modelWeights(model).map(({ key }) => key);
      model.getLayer('body').trainable = false;
      expect(new Set(modelWeights(model).map(({ key }) => key))).toEqual(new Set(before));
      const [body] = modelLayers(model).filter(({ name }) => name === 'body');
      expect(body && layerWeights(body).map(({ name }) => name)).toEqual(['kernel', 'bias']);
    });
  });
});
