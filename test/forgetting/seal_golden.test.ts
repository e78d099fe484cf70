import { describe, expect, it } from 'vitest';
import { sealSchedule } from '../../src/forgetting/ascent.js';
import { SEALAnnealer } from '../../src/forgetting/seal_annealer.js';
import { decode, toTensor } from '../cropr/golden.js';
import plain from '../fixtures/forgetting/seal_llf_normal_trace.json' with { type: 'json' };
import phases from '../fixtures/forgetting/seal_phases.json' with { type: 'json' };
import recorded from '../fixtures/forgetting/seal_trace.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { assign, expectWeights, ourWeights, trace } from './golden.js';
import { type SealVariant, sealNet, sealRecipe } from './nets.js';

const variants = Object.entries({ ...recorded.variants, normal_restart: plain.variants.normal_restart });

onEachBackend(() => {
  describe('SEALAnnealer equals the published code in fit', () => {
    it.each(variants)('%s', async (_name, recordedVariant) => {
      const variant = recordedVariant as unknown as SealVariant;
      const { config, init, x, y, epochs, batches } = variant;
      const model = sealNet(Object.keys(init));
      assign(model, ourWeights(init));
      const seal = new SEALAnnealer({
        generations: config.num_generations,
        epochsPerGeneration: config.epochs,
        ascentEpochs: config.ascending_epochs,
        ascentScale: Math.abs(config.ascenders_lr_multiplier),
        ascentWeightDecay: config.ascenders_wd_multiplier,
        early: 'layer2.linear',
        reverse: config.reverse === 1,
        freezeOthers: config.freeze_descenders === 1,
      });
      const batchSize = 12 / batches;
      const run = await trace(model, toTensor(decode(x)), y, sealRecipe(variant), { batchSize, callbacks: [seal] });
      expect(run.weights).toHaveLength(epochs.length);
      epochs.forEach(({ weights, buffers }, epoch) => {
        expectWeights(run.weights[epoch] ?? new Map(), ourWeights(weights), 1e-6, `epoch ${epoch}`);
        if (!buffers) return;
        const means = Object.entries(buffers).filter(([name]) => name.endsWith('mean'));
        const received = run.weights[epoch] ?? new Map();
        expectWeights(received, ourWeights(Object.fromEntries(means)), 1e-6, `moving mean, epoch ${epoch}`);
      });
      if (config.freeze_descenders === 0) {
        epochs.forEach(({ momentum }, epoch) => {
          const received = run.momenta[epoch] ?? new Map();
          expectWeights(received, ourWeights(momentum), 1e-6, `momentum, epoch ${epoch}`);
        });
      }
    });
  });
});

describe('sealSchedule', () => {
  it('ascends and forgets in the epochs of the published code, at its defaults', () => {
    const phaseOf = sealSchedule({ generations: 3, epochsPerGeneration: 160, ascentEpochs: 40 });
    const epochs = Array.from({ length: 480 }, (_, epoch) => phaseOf(epoch));
    const changes = epochs.flatMap(({ ascends }, i) => (ascends === epochs[i - 1]?.ascends ? [] : [[i, ascends]]));
    expect(changes).toEqual(phases.runs.map(([from, rate]) => [from, (rate as number) < 0]));
    expect(epochs.flatMap(({ clears }, i) => (clears ? [i] : []))).toEqual(phases.newOptimizer);
    expect(epochs.map(({ generation }) => generation)).toEqual(epochs.map((_, i) => Math.floor(i / 160)));
  });
});
