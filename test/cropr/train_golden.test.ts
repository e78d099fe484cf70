import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import { auxTargets } from '../../src/cropr/aux_targets.js';
import { crossEntropy } from '../../src/forgetting/cross_entropy.js';
import { layerDecay } from '../../src/forgetting/layer_decay.js';
import { LayerwiseLearningRate } from '../../src/forgetting/layerwise_learning_rate.js';
import { LearningRateSchedule } from '../../src/forgetting/learning_rate_schedule.js';
import { WeightDecay } from '../../src/forgetting/weight_decay.js';
import steps from '../fixtures/cropr/train_steps_cls_llf.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { channelsLast, decode, expectNear, ourKey, ourWeights, TOLERANCE, toTensor } from './golden.js';
import { outputsOf, recordedVit, vitFixtures } from './vit_fixtures.js';

/** What the model predicts after the steps: Adam amplifies the rounding of tiny gradients. */
const AFTER = 1e-4;
const DECAY = 0.05;
const scale = layerDecay({ decay: 0.75, order: ['embed', 'block_0', 'block_1', 'block_2', 'block_3', 'block_4'] });
/** The official exemptions beside the vectors. */
const weightDecay = (): WeightDecay => new WeightDecay({ rate: DECAY, exempt: ['classToken', 'positions'] });

function batches(): { x: tf.Tensor; y: tf.Tensor } {
  const images = channelsLast(decode(steps.inputs.images));
  const [count = 0, batch = 0, ...image] = images.shape;
  const targets = toTensor(decode(steps.inputs.targets), 'int32');
  return {
    x: tf.reshape(toTensor(images), [count * batch, ...image]),
    y: tf.oneHot(tf.reshape(targets, [count * batch]).toInt(), 5),
  };
}

/** The four recorded steps by our recipe's parts in a plain `fit`; losses of each step, main one first. */
async function train(model: tf.LayersModel): Promise<number[][]> {
  model.compile({ optimizer: tf.train.adam(1, 0.9, 0.999, 1e-8), loss: crossEntropy() });
  const losses: number[][] = [];
  const { x, y } = batches();
  await model.fit(x, auxTargets(y, model), {
    batchSize: 2,
    shuffle: false,
    verbose: 0,
    callbacks: [
      new LearningRateSchedule((step) => steps.lr[step] as number, { unit: 'step' }),
      weightDecay(),
      new LayerwiseLearningRate({ scale }),
      new tf.CustomCallback({
        onBatchEnd: async (_batch, logs) => {
          const names = ['head', 'aux_0', 'aux_1', 'aux_2'];
          losses.push(names.map((name) => logs?.[`${name}_loss`] as number));
        },
      }),
    ],
  });
  tf.dispose([x, y]);
  return losses;
}

onEachBackend(() => {
  describe('four AdamW steps with layer-wise decay equal the authors’', () => {
    it('in losses, in the weights after them and in what the model then predicts', async () => {
      const model = recordedVit(vitFixtures.vit_cls_llf);
      const losses = await train(model);
      const { x, y } = batches();
      const received = tf.tensor2d(losses);
      expectNear(received, decode(steps.losses), TOLERANCE, 'losses');
      const weights = new Map(modelWeights(model).map(({ key, variable }) => [key, variable]));
      const after = ourWeights(steps.after);
      expect(after.size).toBe(8);
      for (const [key, value] of after) expectNear(weights.get(key), value, TOLERANCE, key);
      const firstTwo = tf.slice(x, 0, 2);
      const [logits] = outputsOf(model, firstTwo, false);
      expectNear(logits, decode(steps.eval_after.logits_images0), AFTER, 'logits');
      tf.dispose([x, y, received]);
      model.dispose();
    });
  });
});

describe('the official parameter groups', () => {
  it('are those of layerDecay and of the exemptions from decay, for every weight', () => {
    const model = recordedVit(vitFixtures.vit_cls_llf);
    const weights = new Map(modelWeights(model).map((weight) => [weight.key, weight]));
    const exempt = new Set(['classToken', 'positions']);
    const listed = steps.param_groups.flatMap(({ lr_scale, weight_decay, params }) =>
      params.map((name) => {
        const weight = weights.get(ourKey(name));
        if (!weight) throw new Error(`No weight for ${name}.`);
        expect(scale(weight.layer), name).toBe(lr_scale);
        const decays = weight.variable.rank > 1 && !exempt.has(weight.name);
        expect(decays ? DECAY : 0, name).toBe(weight_decay);
        return weight.key;
      }),
    );
    expect(listed.sort()).toEqual([...weights.keys()].sort());
    model.dispose();
  });
});
