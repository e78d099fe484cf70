import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReinitLaw } from '../../src/core/reinitialize.js';
import { ForgetRelearn, type ForgetRelearnConfig } from '../../src/forgetting/forget_relearn.js';
import { knowledgeEvolution } from '../../src/forgetting/knowledge_evolution.js';
import { LaterLayerForgetting } from '../../src/forgetting/later_layer_forgetting.js';
import { maskedOperation } from '../../src/forgetting/operation.js';
import { SEALAnnealer } from '../../src/forgetting/seal_annealer.js';
import { accelerateWasm } from '../../src/wasm/index.js';
import { channelsLast, decode, toTensor } from '../cropr/golden.js';
import cnn from '../fixtures/forgetting/ke_llf_trace_cnn.json' with { type: 'json' };
import mlp from '../fixtures/forgetting/ke_llf_trace_mlp.json' with { type: 'json' };
import seal from '../fixtures/forgetting/seal_llf_normal_trace.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { assign, expectWeights, ourWeights, trace, type Weights } from './golden.js';
import { type RelearnVariant, relearnCnn, relearnMlp, type SealVariant, sealNet, sealRecipe } from './nets.js';

type Operation = ForgetRelearnConfig['operation'];

/** The generation that a run is in, told by a callback. */
function clock(epochs: number): { now: () => number; callback: tf.CustomCallback } {
  let generation = 0;
  const callback = new tf.CustomCallback({
    onEpochBegin: (epoch) => {
      generation = Math.floor(epoch / epochs);
    },
  });
  return { now: () => generation, callback };
}

/** A law that gives out the recorded draws of the generation. */
function replay(draws: readonly Weights[], now: () => number): ReinitLaw {
  return ({ key }) => {
    const value = draws[now()]?.get(key);
    return value && toTensor(value);
  };
}

/** What a recorded run does at each forgetting, with its draws in place of ours. */
function operationOf(
  { config, generations }: RelearnVariant,
  law: ReinitLaw,
  now: () => number,
): Operation | undefined {
  if (config.lr_policy === 'long_cosine_lr') return () => {};
  if (config.reset_layer_name !== null) return undefined;
  const dropped = config.evolve_mode === 'zero' ? 'zero' : 'reinit';
  if (config.split_mode === 'kels') {
    return knowledgeEvolution({ mode: 'kels', splitRate: config.split_rate, reinit: law, splitInputs: true, dropped });
  }
  // Weight-level masks were drawn: they are replayed too.
  const masks = generations.map((generation) => ourWeights(generation.masks));
  return maskedOperation({
    name: 'replayed',
    options: {},
    mask: ({ weight: { key } }) => {
      const mask = masks[now()]?.get(key);
      return mask && Uint8Array.from(mask.values);
    },
    when: config.reset_hypothesis ? 'new' : 'same',
    kept: 'stay',
    dropped,
    reinit: law,
  });
}

async function expectRun(
  model: tf.LayersModel,
  x: tf.Tensor,
  classes: number[],
  variant: RelearnVariant,
): Promise<void> {
  const { config, init, generations } = variant;
  assign(model, ourWeights(init));
  const { epochs, num_generations } = config;
  const { now, callback: ticks } = clock(epochs);
  const draws = generations.map((generation) => ourWeights(generation.draws));
  const law = replay(draws, now);
  const schedule = { generations: num_generations, epochsPerGeneration: epochs };
  const operation = operationOf(variant, law, now);
  const freeze = config.freeze_non_reset ? (config.reverse_freeze ? 'forgotten' : 'kept') : 'none';
  const from = model.layers.find(({ name }) => name.startsWith(`${config.reset_layer_name}`))?.name ?? '';
  const callback = operation
    ? new ForgetRelearn({ ...schedule, operation })
    : new LaterLayerForgetting({
        ...schedule,
        from,
        reinit: law,
        reverse: config.reverse_reset,
        resetBatchNorm: config.reset_bn,
        freeze,
      });
  const recipe = {
    epochs,
    generations: num_generations,
    rate: config.lr,
    weightDecay: config.weight_decay,
    warmup: config.warmup_length,
    labelSmoothing: config.label_smoothing,
    long: config.lr_policy === 'long_cosine_lr',
  };
  const run = await trace(model, x, classes, recipe, { batchSize: 6, callbacks: [ticks, callback] });
  generations.forEach((generation, g) => {
    generation.epochs.forEach((weights, e) => {
      const epoch = g * epochs + e;
      expect(run.history['learningRate']?.[epoch]).toBeCloseTo(generation.rates[e] as number, 12);
      expectWeights(run.weights[epoch] ?? new Map(), ourWeights(weights), 1e-6, `epoch ${epoch}`);
    });
  });
  expect(run.weights).toHaveLength(epochs * num_generations);
}

const runs = (variants: object): [string, RelearnVariant][] => Object.entries(variants);

onEachBackend((backend) => {
  describe('a perceptron forgets and relearns as with the published code', () => {
    it.each(runs(mlp.variants))('%s', async (_name, variant) => {
      await expectRun(relearnMlp(), toTensor(decode(mlp.x)), mlp.y, variant);
    });
  });

  describe('a convolutional net forgets and relearns as with the published code', () => {
    let dispose = (): void => {};
    beforeAll(async () => {
      // Stock tfjs cannot train convolutions on WASM.
      if (backend === 'wasm') ({ dispose } = await accelerateWasm());
    });
    afterAll(() => dispose());

    it.each(runs(cnn.variants))('%s', async (_name, variant) => {
      const images = channelsLast(decode(cnn.x));
      await expectRun(relearnCnn([...images.shape.slice(1)]), toTensor(images), cnn.y, variant);
    });
  });

  describe('the later-layer forgetting of SEAL’s code', () => {
    it.each(['llf_sealrepo', 'llf_plus_ascend'] as const)('%s', async (name) => {
      const variant = seal.variants[name] as unknown as SealVariant;
      const { config, init, x, y, epochs, draws } = variant;
      const model = sealNet(Object.keys(init));
      assign(model, ourWeights(init));
      const recorded = Array.from({ length: config.num_generations }, (_, g) => ourWeights(draws?.[String(g)] ?? {}));
      const { now, callback: ticks } = clock(config.epochs);
      const law = replay(recorded, now);
      const schedule = { generations: config.num_generations, epochsPerGeneration: config.epochs };
      const callbacks: tf.CustomCallback[] = [
        ticks,
        new LaterLayerForgetting({ ...schedule, from: 'layer2.linear', reinit: law }),
      ];
      if (name === 'llf_plus_ascend') {
        const ascentScale = Math.abs(config.ascenders_lr_multiplier);
        const ascent = { ascentEpochs: config.ascending_epochs, ascentScale, early: 'layer2.linear' };
        callbacks.push(new SEALAnnealer({ ...schedule, ...ascent }));
      }
      const run = await trace(model, toTensor(decode(x)), y, sealRecipe(variant), { batchSize: 12, callbacks });
      epochs.forEach(({ weights }, epoch) => {
        expectWeights(run.weights[epoch] ?? new Map(), ourWeights(weights), 1e-6, `epoch ${epoch}`);
      });
    });
  });
});
