import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type Checkpoint, restoreCheckpoint, saveCheckpoint } from '../../src/core/checkpoint.js';
import { resetOptimizer } from '../../src/core/optimizer_state.js';
import { LearningRateSchedule } from '../../src/forgetting/learning_rate_schedule.js';
import { WeightDecay } from '../../src/forgetting/weight_decay.js';
import { onEachBackend } from '../setup/backends.js';
import { optimizers, smallModel, train, weightValues } from './models.js';

/** Through text and bytes, as on the way to another process. */
async function overDisk({ info, tensors }: Checkpoint): Promise<Checkpoint> {
  const text = JSON.stringify(info);
  const { data, specs } = await tf.io.encodeWeights(tensors);
  return { info: JSON.parse(text) as Checkpoint['info'], tensors: tf.io.decodeWeights(data, specs) };
}

onEachBackend(() => {
  describe('checkpoint', () => {
    for (const [name, make] of Object.entries(optimizers)) {
      it(`${name}: stop and resume at any epoch equals the uninterrupted run, bit for bit`, async () => {
        const whole = smallModel(make());
        await train(whole, { epochs: 4 });
        for (const stop of [0, 1, 3]) {
          const first = smallModel(make());
          if (stop > 0) await train(first, { epochs: stop });
          const checkpoint = await overDisk(saveCheckpoint(first, { epoch: stop }));
          const second = smallModel(make());
          await train(second, { epochs: 2 });
          const initialEpoch = restoreCheckpoint(second, checkpoint);
          expect(initialEpoch).toBe(stop);
          await train(second, { initialEpoch, epochs: 4 });
          expect(weightValues(second)).toEqual(weightValues(whole));
          expect(second.optimizer.iterations).toBe(8);
        }
      });
    }

    it('holds no tensors beyond its own', async () => {
      const model = smallModel();
      await train(model, { epochs: 2 });
      const { numTensors } = tf.memory();
      const checkpoint = saveCheckpoint(model, { epoch: 2 });
      expect(tf.memory().numTensors).toBe(numTensors + Object.keys(checkpoint.tensors).length);
      restoreCheckpoint(model, checkpoint);
      restoreCheckpoint(model, checkpoint);
      tf.dispose(checkpoint.tensors);
      expect(tf.memory().numTensors).toBe(numTensors);
      await train(model);
    });
  });
});

describe('saveCheckpoint', () => {
  it('is a snapshot: training on does not change it', async () => {
    const model = smallModel();
    await train(model);
    const before = weightValues(model);
    const checkpoint = saveCheckpoint(model, { epoch: 1 });
    await train(model);
    expect(weightValues(model)).not.toEqual(before);
    restoreCheckpoint(model, checkpoint);
    expect(weightValues(model)).toEqual(before);
  });

  it('knows the base learning rate when taken inside fit', async () => {
    const model = smallModel(tf.train.adam(0.25));
    let checkpoint: Checkpoint | undefined;
    const saver = new tf.CustomCallback({
      onEpochEnd: (epoch) => {
        checkpoint = saveCheckpoint(model, { epoch: epoch + 1 });
      },
    });
    await train(model, { callbacks: [new LearningRateSchedule(() => 0.001), saver] });
    expect(checkpoint?.info.optimizer.learningRate).toBe(0.25);
  });

  it('asks for a compiled model and a whole number of epochs', () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
    expect(() => saveCheckpoint(model, { epoch: 0 })).toThrow('saveCheckpoint: model must be compiled');
    expect(() => saveCheckpoint(smallModel(), { epoch: 0.5 })).toThrow('saveCheckpoint: epoch must be an integer');
  });
});

describe('restoreCheckpoint', () => {
  const saved = saveOf(() => smallModel());
  function saveOf(build: () => tf.LayersModel, callbacks: object[] = []): () => Promise<Checkpoint> {
    return async () => {
      const model = build();
      await train(model, { callbacks: callbacks as tf.Callback[] });
      return saveCheckpoint(model, { epoch: 1, callbacks });
    };
  }

  it('refuses another model and names the weight', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ name: 'body', units: 5, inputShape: [3] })] });
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
    const checkpoint = await saved();
    expect(() => restoreCheckpoint(model, checkpoint)).toThrow(
      'restoreCheckpoint: weight "body/kernel" must be {"shape":[3,4],"trained":true} as saved, received {"shape":[3,5],"trained":true}.',
    );
  });

  it('refuses another optimizer, other options, other frozen layers', async () => {
    const checkpoint = await saved();
    expect(() => restoreCheckpoint(smallModel(tf.train.sgd(0.01)), checkpoint)).toThrow(
      'restoreCheckpoint: optimizer "className" must be "Adam" as saved, received "SGD".',
    );
    expect(() => restoreCheckpoint(smallModel(tf.train.adam(0.01, 0.8)), checkpoint)).toThrow(
      'restoreCheckpoint: optimizer "beta1" must be 0.9 as saved, received 0.8.',
    );
    const frozen = smallModel();
    frozen.getLayer('head').trainable = false;
    frozen.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
    expect(() => restoreCheckpoint(frozen, checkpoint)).toThrow('weight "head/kernel" must be');
  });

  it('refuses other callbacks and other options of them, and changes nothing then', async () => {
    const checkpoint = await saveOf(() => smallModel(), [new WeightDecay({ rate: 0.1 })])();
    const model = smallModel();
    const before = weightValues(model);
    expect(() => restoreCheckpoint(model, checkpoint)).toThrow(
      'restoreCheckpoint: list of "callbacks" must be ["weightDecay"] as saved, received [].',
    );
    expect(() => restoreCheckpoint(model, checkpoint, { callbacks: [new WeightDecay({ rate: 0.2 })] })).toThrow(
      'restoreCheckpoint: weightDecay "rate" must be 0.1 as saved, received 0.2.',
    );
    expect(weightValues(model)).toEqual(before);
    expect(restoreCheckpoint(model, checkpoint, { callbacks: [new WeightDecay({ rate: 0.1 })] })).toBe(1);
  });
});

describe('resetOptimizer', () => {
  for (const [name, make] of Object.entries(optimizers)) {
    it(`${name}: is as good as new`, async () => {
      const model = smallModel(make());
      await train(model, { epochs: 2 });
      const first = weightValues(model);
      const fresh = smallModel(make());
      resetOptimizer(model.optimizer);
      expect(model.optimizer.iterations).toBe(0);
      model.setWeights(fresh.getWeights());
      await train(model, { epochs: 2 });
      expect(weightValues(model)).toEqual(first);
    });
  }
});

describe('canaries: optimizer state in tfjs (https://github.com/tensorflow/tfjs/issues/5138)', () => {
  it("setWeights rounds Adam's bias correction otherwise than training does", async () => {
    const model = smallModel(tf.train.adam(0.01));
    await train(model, { epochs: 30 });
    const trained = (Reflect.get(model.optimizer, 'accBeta2') as tf.Variable).dataSync()[0];
    const other = tf.train.adam(0.01);
    await other.setWeights(await model.optimizer.getWeights());
    expect((Reflect.get(other, 'accBeta2') as tf.Variable).dataSync()[0]).not.toBe(trained);
  });

  it('setWeights leaves the old slots in memory', async () => {
    const model = smallModel(tf.train.momentum(0.1, 0.9));
    await train(model);
    const weights = await model.optimizer.getWeights();
    const slots = weights.length - 1;
    const { numTensors } = tf.memory();
    await model.optimizer.setWeights(weights);
    expect(tf.memory().numTensors).toBe(numTensors + slots);
  });

  it('Adamax cannot save its state at all', async () => {
    await expect(tf.train.adamax(0.01).getWeights()).rejects.toThrow('not implemented');
  });
});
