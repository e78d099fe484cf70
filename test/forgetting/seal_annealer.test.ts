import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { restoreCheckpoint, saveCheckpoint } from '../../src/core/checkpoint.js';
import { modelWeights } from '../../src/core/model_weights.js';
import { optimizerSlots } from '../../src/core/optimizer_state.js';
import { ascend, ascending, requireAscent } from '../../src/forgetting/ascent.js';
import { SEALAnnealer, type SEALAnnealerConfig } from '../../src/forgetting/seal_annealer.js';
import { WeightDecay } from '../../src/forgetting/weight_decay.js';
import { layerValues, optimizers, smallModel, traces, train, weightValues } from '../core/models.js';
import groups from '../fixtures/forgetting/resnet_groups.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { ourKey } from './golden.js';
import { resnet } from './nets.js';

const schedule = { generations: 2, epochsPerGeneration: 2, ascentEpochs: 1 };
const annealer = (config: Partial<SEALAnnealerConfig> = {}): SEALAnnealer =>
  new SEALAnnealer({ ...schedule, early: 'norm', ...config });

/** Gradients of the loss by variable name, at the model's weights. */
const gradients = (model: tf.LayersModel): tf.NamedTensorMap =>
  tf.variableGrads(() => tf.mean(tf.square(model.apply(tf.ones([4, 3])) as tf.Tensor))).grads;

onEachBackend(() => {
  describe('ascend', () => {
    for (const [name, make] of Object.entries(optimizers)) {
      it(`${name}: reflects the update of early weights, whatever the optimizer, and leaves slots and others`, () => {
        const run = (climb: boolean): { before: number[][]; after: number[][]; slots: number[][] } => {
          const model = smallModel(make());
          const { optimizer } = model;
          for (let i = 0; i < 2; i++) optimizer.applyGradients(gradients(model));
          const before = modelWeights(model).map(({ variable }) => Array.from(variable.dataSync()));
          const descend = climb ? ascend(optimizer, model, { early: 'norm', ascentScale: 0.25 }) : undefined;
          optimizer.applyGradients(gradients(model));
          descend?.();
          const after = modelWeights(model).map(({ variable }) => Array.from(variable.dataSync()));
          return { before, after, slots: optimizerSlots(model).map(({ value }) => Array.from(value.dataSync())) };
        };
        const [plain, climbed] = [run(false), run(true)];
        expect(climbed.slots).toEqual(plain.slots);
        expect(climbed.after.slice(2)).toEqual(plain.after.slice(2));
        for (const i of [0, 1]) {
          plain.after[i]?.forEach((updated, j) => {
            const old = plain.before[i]?.[j] as number;
            expect(Math.abs((climbed.after[i]?.[j] as number) - (old - 0.25 * (updated - old)))).toBeLessThan(1e-6);
          });
        }
        expect(climbed.after[0]).not.toEqual(climbed.before[0]);
      });
    }

    it('moves early weights along the gradient and the others against it', () => {
      const model = smallModel(tf.train.sgd(0.1));
      const grads = gradients(model);
      const before = modelWeights(model).map(({ variable }) => variable.clone());
      const descend = ascend(model.optimizer, model, { early: 'norm', ascentScale: 1 });
      model.optimizer.applyGradients(grads);
      descend();
      modelWeights(model).forEach(({ key, variable }, i) => {
        const gradient = grads[variable.name];
        if (!gradient) return;
        const along = tf.sum(tf.mul(tf.sub(variable, before[i] as tf.Tensor), gradient)).dataSync()[0] as number;
        expect(Math.sign(along), key).toBe(key.startsWith('body/') ? 1 : -1);
      });
      expect(traces(model)).toEqual([]);
    });
  });

  describe('SEALAnnealer', () => {
    it('empties the slots at both boundaries and nowhere else', async () => {
      const model = smallModel(tf.train.momentum(0.1, 0.9));
      const full: boolean[] = [];
      const spy = new tf.CustomCallback({ onBatchBegin: () => void full.push(optimizerSlots(model).length > 0) });
      const seal = annealer({ epochsPerGeneration: 3 });
      await train(model, { epochs: 6, batchSize: 10, callbacks: [seal, spy] });
      expect(full).toEqual([false, true, true, false, false, true]);
    });

    it('stops and says why when an ascent diverges', async () => {
      for (const limits of [{ maxChange: 1e-3 }, { maxLoss: 1e-3 }, { ascentScale: 1e38 }]) {
        const model = smallModel(tf.train.sgd(0.1));
        const seal = annealer({ generations: 3, ascentScale: 1, ...limits });
        const { history } = await train(model, { epochs: 6, callbacks: [seal] });
        expect(history['seal/diverged']).toEqual([0, 0, 1]);
        expect(history['seal/phase']).toEqual([0, 0, 1]);
        expect(seal.divergence).toMatch(/^SEALAnnealer: the ascent of epoch 2 diverged: loss .*, relative change /);
        const { history: calm } = await train(smallModel(), { epochs: 6, callbacks: [annealer({ generations: 3 })] });
        expect(calm['seal/diverged']).toEqual([0, 0, 0, 0, 0, 0]);
      }
    });

    it('switches weight decay off for what ascends, or turns it round, coupled or not', async () => {
      for (const decoupled of [false, true]) {
        const end = async (ascentWeightDecay: number, rate: number): Promise<number[]> => {
          const model = smallModel(tf.train.sgd(0.1));
          const decay = new WeightDecay({ rate, decoupled, exemptVectors: false });
          const seal = annealer({ ascentScale: 1, ascentWeightDecay, partial: true });
          await train(model, { epochs: 2 });
          await train(model, { initialEpoch: 2, epochs: 3, batchSize: 10, callbacks: [decay, seal] });
          return layerValues(model, 'body');
        };
        const [off, without, shrunk] = [await end(0, 0.5), await end(0, 0), await end(-1, 0.5)];
        expect(off).toEqual(without);
        const start = smallModel(tf.train.sgd(0.1));
        await train(start, { epochs: 2 });
        layerValues(start, 'body').forEach((before, i) => {
          // One step at rate 0.1 takes 0.1 * 0.5 of the weight away.
          expect(shrunk[i]).toBeCloseTo((without[i] as number) - 0.05 * before, 5);
        });
      }
    });

    it('reports how far the ascending weights went', async () => {
      const model = smallModel(tf.train.sgd(0.1));
      const starts: number[][] = [];
      const spy = new tf.CustomCallback({ onEpochBegin: () => void starts.push(layerValues(model, 'body')) });
      const early = (layer: tf.layers.Layer): boolean => layer.name === 'body';
      const seal = annealer({ early, ascentScale: 0.5 });
      const { history } = await train(model, { epochs: 3 + 1, callbacks: [seal, spy] });
      expect(history['seal/change']?.map((change) => Number(change) > 0)).toEqual([false, false, true, false]);
      expect(history['seal/generation']).toEqual([0, 0, 1, 1]);
      expect(starts[3]).not.toEqual(starts[2]);
    });

    it('works in nested models, with shared and with frozen layers', async () => {
      const inner = tf.sequential({
        name: 'inner',
        layers: [
          tf.layers.dense({ name: 'one', units: 3, inputShape: [3], activation: 'tanh' }),
          tf.layers.dense({ name: 'two', units: 3 }),
        ],
      });
      const shared = tf.layers.dense({ name: 'shared', units: 3, activation: 'tanh' });
      const input = tf.input({ shape: [3] });
      const twice = shared.apply(shared.apply(inner.apply(input)));
      const frozen = tf.layers.dense({ name: 'frozen', units: 3, trainable: false }).apply(twice);
      const output = tf.layers.dense({ name: 'head', units: 2 }).apply(frozen) as tf.SymbolicTensor;
      const model = tf.model({ inputs: input, outputs: output });
      model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
      const climbing = (early: SEALAnnealerConfig['early']): string[] => {
        const set = ascending('test', model, requireAscent('test', { early }));
        return modelWeights(model).flatMap(({ key, variable }) => (set.has(variable) ? [key] : []));
      };
      expect(climbing('two')).toEqual(['inner/one/kernel', 'inner/one/bias']);
      expect(climbing(['inner'])).toHaveLength(4);
      expect(climbing('frozen')).toEqual(climbing(['inner', 'shared']));
      expect(climbing(({ name }) => name === 'shared')).toEqual(['shared/kernel', 'shared/bias']);
      const before = layerValues(model, 'frozen');
      const { history } = await train(model, { epochs: 4, callbacks: [annealer({ early: 'shared' })] });
      expect(history['seal/change']?.[2]).toBeGreaterThan(0);
      expect(layerValues(model, 'frozen')).toEqual(before);
      expect(() => climbing(['frozen'])).toThrow('early must be a selection with at least one trained weight');
    });

    it('goes on from a checkpoint of the ascent, the boundary and the descent to the bit', async () => {
      const make = (): [tf.LayersModel, SEALAnnealer] => [
        smallModel(tf.train.momentum(0.1, 0.9)),
        annealer({ epochsPerGeneration: 4, ascentEpochs: 2, ascentScale: 0.5, partial: true }),
      ];
      const [whole, alone] = make();
      await train(whole, { epochs: 8, callbacks: [alone] });
      for (const epoch of [4, 5, 6, 7]) {
        const [first, seal] = make();
        await train(first, { epochs: epoch, callbacks: [seal] });
        const checkpoint = saveCheckpoint(first, { epoch, callbacks: [seal] });
        const [second, again] = make();
        const initialEpoch = restoreCheckpoint(second, checkpoint, { callbacks: [again] });
        await train(second, { initialEpoch, epochs: 8, callbacks: [again] });
        expect(weightValues(second), `from epoch ${epoch}`).toEqual(weightValues(whole));
      }
    });
  });

  describe('the early set', () => {
    it.each(Object.entries(groups.cases))('of %s is that of the published code', (name, expected) => {
      const [kind, stage, reverse] = name.split('/') as ['ResNet18' | 'ResNet50', string, string];
      const model = resnet(kind);
      const config = requireAscent('test', { early: `${stage}.0.conv1`, reverse: reverse === 'reverse1' });
      const set = ascending('test', model, config);
      const received = modelWeights(model).flatMap(({ key, variable }) => (set.has(variable) ? [key] : []));
      expect(expected.contiguous).toBe(true);
      expect(received.sort()).toEqual(
        groups.names[kind]
          .slice(expected.first, expected.last + 1)
          .map(ourKey)
          .sort(),
      );
    });
  });
});

describe('bad input', () => {
  it('is named at construction', () => {
    expect(() => annealer({ generations: 0 })).toThrow('SEALAnnealer: generations must be an integer of at least 1');
    expect(() => annealer({ epochsPerGeneration: 1.5 })).toThrow('epochsPerGeneration must be');
    expect(() => annealer({ ascentEpochs: 2 })).toThrow(
      'SEALAnnealer: ascentEpochs must be an integer in [0, 1], received 2.',
    );
    expect(() => annealer({ ascentEpochs: 0.5 })).toThrow('ascentEpochs must be an integer in [0, 1], received 0.5.');
    expect(() => annealer({ ascentScale: -1 })).toThrow('ascentScale must be');
    expect(() => annealer({ ascentWeightDecay: Number.NaN })).toThrow('ascentWeightDecay must be');
    expect(() => annealer({ maxChange: 0 })).toThrow('maxChange must be a positive number');
  });

  it('is named before the first batch', async () => {
    const model = smallModel();
    const before = weightValues(model);
    const refused = async (callback: SEALAnnealer, message: string, epochs = 4): Promise<void> => {
      await expect(train(model, { epochs, callbacks: [callback] })).rejects.toThrow(message);
      expect(weightValues(model)).toEqual(before);
      expect(traces(model)).toEqual([]);
    };
    await refused(annealer({ early: 'nrom' }), 'early must be the name of a layer of the model (nearest: "norm", ');
    await refused(annealer({ early: [] }), 'early must be a selection of at least one layer');
    await refused(annealer({ early: 'body' }), 'early must be a selection with at least one trained weight');
    await refused(annealer({ early: () => true }), 'early must be a selection that leaves a trained weight out');
    await refused(annealer(), 'epochs of fit must be 4 (2 generations of 2), received 5.', 5);
    await refused(annealer(), 'epochs of fit must be 4 (2 generations of 2), received 2.', 2);
    await refused(annealer({ partial: true }), 'epochs of fit must be at most 4 (2 generations of 2), received 6.', 6);
  });

  it('is an optimizer whose memory cannot be found', async () => {
    class Secretive extends tf.SGDOptimizer {
      static override className = 'Secretive';
      memory = new Map<string, tf.Variable>();
    }
    const message = 'SEALAnnealer: optimizer must be one of tfjs, or one that keeps its slots as they do, received "Se';
    const model = smallModel(new Secretive(0.1));
    await expect(train(model, { epochs: 4, callbacks: [annealer()] })).rejects.toThrow(message);
  });

  it('is a checkpoint of another configuration', async () => {
    const model = smallModel();
    const checkpoint = saveCheckpoint(model, { epoch: 0, callbacks: [annealer()] });
    const restore = (config: Partial<SEALAnnealerConfig>) => () =>
      restoreCheckpoint(model, checkpoint, { callbacks: [annealer(config)] });
    expect(restore({ ascentScale: 0.5 })).toThrow('seal "ascentScale" must be 0.01 as saved, received 0.5.');
    expect(restore({ early: 'head' })).toThrow('seal "early" must be "norm" as saved, received "head".');
    expect(restore({ ascentEpochs: 0 })).toThrow('seal "ascentEpochs" must be 1 as saved, received 0.');
    expect(restore({ partial: true })).not.toThrow();
  });
});
