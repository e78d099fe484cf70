import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { restoreCheckpoint, saveCheckpoint } from '../../src/core/checkpoint.js';
import { modelWeights } from '../../src/core/model_weights.js';
import { optimizerSlots } from '../../src/core/optimizer_state.js';
import { ForgetRelearn, type ForgetRelearnConfig } from '../../src/forgetting/forget_relearn.js';
import { knowledgeEvolution } from '../../src/forgetting/knowledge_evolution.js';
import { LaterLayerForgetting } from '../../src/forgetting/later_layer_forgetting.js';
import { bornAgain, laterLayers, rifle } from '../../src/forgetting/later_layers.js';
import type { ForgetOperation } from '../../src/forgetting/operation.js';
import { partialForgetting } from '../../src/forgetting/partial_forgetting.js';
import { denseSparseDense, iterativeMagnitudePruning } from '../../src/forgetting/pruning.js';
import { startForgetting } from '../../src/forgetting/start_forgetting.js';
import { layerValues, smallModel, traces, train, weightValues } from '../core/models.js';
import arch from '../fixtures/forgetting/llf_arch_reset.json' with { type: 'json' };
import groups from '../fixtures/forgetting/resnet_groups.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { ourKey } from './golden.js';
import { resnet } from './nets.js';

type Values = Map<string, number[]>;

const values = (model: tf.LayersModel): Values =>
  new Map(modelWeights(model).map(({ key, variable }) => [key, Array.from(variable.dataSync())]));

const changedKeys = (before: Values, after: Values): string[] =>
  [...after.keys()].filter((key) => String(before.get(key)) !== String(after.get(key)));

/** One forgetting, outside of training. */
async function forgetOnce(model: tf.LayersModel, operation: ForgetOperation, generation = 1): Promise<void> {
  const { forget, end } = await startForgetting(model, operation, {
    optimizer: tf.train.sgd(1),
    generations: 4,
    seed: 1,
  });
  await forget(generation);
  end();
}

const relearn = (
  operation: ForgetRelearnConfig['operation'],
  config: Partial<ForgetRelearnConfig> = {},
): ForgetRelearn => new ForgetRelearn({ generations: 2, epochsPerGeneration: 2, operation, seed: 1, ...config });

/** Values of all kernels of a run, at the start and at the end of each epoch. */
function recorder(model: tf.LayersModel): { callback: tf.CustomCallback; starts: Values[]; ends: Values[] } {
  const [starts, ends]: [Values[], Values[]] = [[], []];
  const callback = new tf.CustomCallback({
    onEpochBegin: () => void starts.push(values(model)),
    onEpochEnd: () => void ends.push(values(model)),
  });
  return { callback, starts, ends };
}

const zeros = (list: number[] | undefined): number[] => (list ?? []).flatMap((value, i) => (value === 0 ? [i] : []));

onEachBackend(() => {
  describe('laterLayers', () => {
    it('draws the kernels from a layer on within the bound, leaves biases and norms, draws anew each time', async () => {
      const model = smallModel();
      await train(model);
      const before = values(model);
      await forgetOnce(model, laterLayers({ from: 'body' }));
      const first = values(model);
      expect(changedKeys(before, first)).toEqual(['body/kernel', 'head/kernel']);
      const bound = 1 / Math.sqrt(3);
      expect(Math.max(...(first.get('body/kernel') ?? []).map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
      await forgetOnce(model, laterLayers({ from: 'body' }), 2);
      expect(changedKeys(first, values(model))).toEqual(['body/kernel', 'head/kernel']);
      await forgetOnce(model, laterLayers({ from: 'body' }), 1);
      expect(values(model)).toEqual(first);
      await forgetOnce(model, laterLayers({ from: 'body', sameDraw: true }), 2);
      expect(values(model)).toEqual(first);
    });

    it('resets biases and batch norm where asked, and forgets before the layer in reverse', async () => {
      const model = smallModel();
      const start = values(model);
      await train(model, { epochs: 2 });
      await forgetOnce(model, laterLayers({ from: 'head', resetBias: true, resetBatchNorm: true }));
      const after = values(model);
      expect(after.get('head/bias')).toEqual([0, 0]);
      for (const key of [...after.keys()].filter((name) => name.startsWith('norm/'))) {
        expect(after.get(key)).toEqual(start.get(key));
      }
      await forgetOnce(model, laterLayers({ from: 'norm', reverse: true }), 2);
      expect(changedKeys(after, values(model))).toEqual(['body/kernel']);
    });

    it('leaves frozen layers alone, and refuses to forget nothing', async () => {
      const model = smallModel();
      (model.getLayer('head') as tf.layers.Layer).trainable = false;
      const before = values(model);
      await forgetOnce(model, laterLayers({ from: 'body' }));
      expect(changedKeys(before, values(model))).toEqual(['body/kernel']);
      await expect(forgetOnce(model, laterLayers({ from: 'head' }))).rejects.toThrow(
        'laterLayers: from must be a selection with at least one trained weight',
      );
    });

    it('forgets in nested models and in shared layers', async () => {
      const inner = tf.sequential({
        name: 'inner',
        layers: [
          tf.layers.dense({ name: 'one', units: 3, inputShape: [3] }),
          tf.layers.dense({ name: 'two', units: 3 }),
        ],
      });
      const shared = tf.layers.dense({ name: 'shared', units: 3 });
      const input = tf.input({ shape: [3] });
      const output = shared.apply(shared.apply(inner.apply(input))) as tf.SymbolicTensor;
      const model = tf.model({ inputs: input, outputs: output });
      const before = values(model);
      await forgetOnce(model, laterLayers({ from: 'two' }));
      const after = values(model);
      expect(changedKeys(before, after)).toEqual(['inner/two/kernel', 'shared/kernel']);
      await forgetOnce(model, rifle(), 2);
      expect(changedKeys(after, values(model))).toEqual(['shared/kernel']);
    });

    it.each(Object.entries(arch))('%s: the weights that the published code changes', async (name, expected) => {
      const [kind, from, reverse] = name.split('|') as [string, string, string];
      const model = resnet(kind.replace('Split_', '') as 'ResNet18' | 'ResNet50');
      const before = values(model);
      const layer = from === 'fc' ? from : `${from}.0.conv1`;
      await forgetOnce(model, laterLayers({ from: layer, reverse: reverse === 'reverse=True' }));
      expect(changedKeys(before, values(model)).sort()).toEqual(expected.changed_tensors.map(ourKey).sort());
    });

    it.each(Object.entries(groups.cases))('%s: the weights that the code of SEAL changes', async (name, expected) => {
      const [kind, stage, reverse] = name.split('/') as ['ResNet18' | 'ResNet50', string, string];
      const model = resnet(kind);
      const before = values(model);
      await forgetOnce(model, laterLayers({ from: `${stage}.0.conv1`, reverse: reverse === 'reverse1' }));
      expect(changedKeys(before, values(model)).sort()).toEqual(expected.reinitialised.map(ourKey).sort());
    });
  });

  describe('bornAgain', () => {
    it('begins anew, moving statistics included', async () => {
      const model = smallModel();
      const start = values(model);
      await train(model, { epochs: 2 });
      const trained = values(model);
      await forgetOnce(model, bornAgain());
      const after = values(model);
      for (const key of ['norm/gamma', 'norm/moving_mean', 'norm/moving_variance', 'head/bias']) {
        expect(after.get(key), key).toEqual(start.get(key));
      }
      expect(after.get('body/kernel')).not.toEqual(trained.get('body/kernel'));
    });
  });

  describe('iterativeMagnitudePruning', () => {
    it('rewinds the survivors, and holds the mask against momentum and decay in every step', async () => {
      const model = smallModel(tf.train.momentum(0.1, 0.9));
      const { callback, starts, ends } = recorder(model);
      const operation = iterativeMagnitudePruning({ keep: 0.5, head: 'same', rewind: 1 });
      const pruning = relearn(operation, { generations: 3, resetOptimizer: false });
      await train(model, { epochs: 6, callbacks: [pruning, callback] });
      const kernel = 'body/kernel';
      const counts = ends.map((end) => zeros(end.get(kernel)).length);
      expect(counts).toEqual([0, 0, 6, 6, 9, 9]);
      for (const epoch of [2, 4]) {
        const gone = zeros(starts[epoch]?.get(kernel));
        expect(zeros(ends[epoch + 1]?.get(kernel))).toEqual(gone);
        starts[epoch]?.get(kernel)?.forEach((value, i) => {
          expect(value).toBe(gone.includes(i) ? 0 : starts[1]?.get(kernel)?.[i]);
        });
      }
      expect(zeros(ends[5]?.get(kernel))).toEqual(expect.arrayContaining(zeros(ends[3]?.get(kernel))));
      expect(starts[2]?.get('head/bias')).toEqual(ends[1]?.get('head/bias'));
      expect(traces(model)).toEqual([]);
    });

    it('prunes the last layer half as much', async () => {
      const model = smallModel();
      await forgetOnce(model, iterativeMagnitudePruning({ keep: 0.5 }));
      expect(zeros(layerValues(model, 'body'))).toHaveLength(6);
      expect(zeros(layerValues(model, 'head'))).toHaveLength(2);
    });
  });

  describe('denseSparseDense', () => {
    it('trains sparse in odd generations and dense, from zero, in even ones', async () => {
      const model = smallModel();
      const { callback, starts, ends } = recorder(model);
      const operation = denseSparseDense({ sparsity: 0.5 });
      await train(model, { epochs: 6, callbacks: [relearn(operation, { generations: 3 }), callback] });
      const counts = (list: Values[]): number[] => list.map((one) => zeros(one.get('body/kernel')).length);
      expect(counts(starts)).toEqual([0, 0, 6, 6, 6, 0]);
      expect(counts(ends)).toEqual([0, 0, 6, 6, 0, 0]);
    });
  });

  describe('partialForgetting', () => {
    it('keeps the largest first weights by default, and the optimizer its moments', async () => {
      const model = smallModel();
      const first = values(model);
      const full: number[] = [];
      const spy = new tf.CustomCallback({ onEpochBegin: () => void full.push(optimizerSlots(model).length) });
      const { callback, starts, ends } = recorder(model);
      await train(model, { epochs: 4, callbacks: [relearn(partialForgetting({ keep: 0.5 })), spy, callback] });
      expect(full[2]).toBeGreaterThan(0);
      const sizes = (first.get('body/kernel') ?? []).map(Math.abs);
      const median = [...sizes].sort((a, b) => a - b)[5] as number;
      starts[2]?.get('body/kernel')?.forEach((value, i) => {
        expect(value === ends[1]?.get('body/kernel')?.[i]).toBe((sizes[i] as number) > median);
      });
    });
  });

  describe('ForgetRelearn', () => {
    it('calls a function of the user at each generation but the first, and clears the optimizer', async () => {
      const model = smallModel();
      const calls: number[] = [];
      const full: boolean[] = [];
      const spy = new tf.CustomCallback({ onBatchBegin: () => void full.push(optimizerSlots(model).length > 0) });
      const mine = relearn(
        async (trained, generation) => {
          expect(trained).toBe(model);
          calls.push(generation);
        },
        { generations: 3 },
      );
      const { history } = await train(model, { epochs: 6, batchSize: 10, callbacks: [mine, spy] });
      expect(calls).toEqual([1, 2]);
      expect(full).toEqual([false, true, false, true, false, true]);
      expect(history['forgetRelearn/generation']).toEqual([0, 0, 1, 1, 2, 2]);
    });

    it('forgets after a step, at multiples of everySteps but 0', async () => {
      const steps: number[] = [];
      let step = -1;
      const spy = new tf.CustomCallback({ onBatchEnd: () => void step++ });
      const mine = new ForgetRelearn({ generations: 4, everySteps: 3, operation: () => void steps.push(step) });
      // The spy comes first, so that it has counted the step.
      await train(smallModel(), { epochs: 7, callbacks: [spy, mine] });
      expect(steps).toEqual([3, 6, 9]);
    });

    it('freezes what it is told to', async () => {
      for (const [freeze, frozen] of [
        ['kept', ['body/kernel', 'body/bias', 'norm/gamma', 'norm/beta']],
        ['forgotten', ['body/kernel', 'body/bias', 'norm/gamma', 'norm/beta']],
      ] as const) {
        const model = smallModel();
        const { callback, starts, ends } = recorder(model);
        const from = freeze === 'kept' ? 'head' : 'body';
        await train(model, { epochs: 4, callbacks: [relearn(laterLayers({ from, freeze })), callback] });
        expect(changedKeys(starts[1] as Values, ends[1] as Values)).toEqual(expect.arrayContaining([...frozen]));
        for (const key of frozen) expect(ends[3]?.get(key), key).toEqual(starts[2]?.get(key));
        expect(ends[3]?.get('head/kernel')).not.toEqual(starts[2]?.get('head/kernel'));
      }
    });

    it('goes on from a checkpoint of any phase to the bit, without a seed of the user', async () => {
      const operations = (): ForgetOperation[] => [
        iterativeMagnitudePruning({ keep: 0.5, rewind: 1 }),
        knowledgeEvolution({ mode: 'wels' }),
        denseSparseDense(),
        partialForgetting({ keep: 0.5, kept: 'rewind' }),
      ];
      for (const i of operations().keys()) {
        const config = { generations: 3, epochsPerGeneration: 2, partial: true };
        const make = (): [tf.LayersModel, ForgetRelearn] => [
          smallModel(tf.train.momentum(0.1, 0.9)),
          new ForgetRelearn({ ...config, operation: operations()[i] as ForgetOperation }),
        ];
        const [whole, alone] = make();
        const checkpoints: ReturnType<typeof saveCheckpoint>[] = [];
        const saver = new tf.CustomCallback({
          onEpochEnd: (epoch) => void checkpoints.push(saveCheckpoint(whole, { epoch: epoch + 1, callbacks: [alone] })),
        });
        await train(whole, { epochs: 6, callbacks: [alone, saver] });
        for (const checkpoint of checkpoints.slice(0, 5)) {
          const [second, again] = make();
          const initialEpoch = restoreCheckpoint(second, checkpoint, { callbacks: [again] });
          await train(second, { initialEpoch, epochs: 6, callbacks: [again] });
          expect(weightValues(second), `operation ${i} from epoch ${initialEpoch}`).toEqual(weightValues(whole));
        }
      }
    });
  });
});

describe('bad input', () => {
  it('is named at construction', () => {
    const base = { generations: 2, operation: () => {} };
    expect(() => new ForgetRelearn(base)).toThrow('ForgetRelearn: everySteps must be given if epochsPerGeneration is');
    expect(() => new ForgetRelearn({ ...base, everySteps: 2, epochsPerGeneration: 2 })).toThrow('everySteps must be');
    expect(() => new ForgetRelearn({ ...base, everySteps: 0 })).toThrow('everySteps must be an integer of at least 1');
    expect(() => relearn({} as ForgetOperation)).toThrow('operation must be a forgetting operation or a function');
    expect(() => relearn(() => {}, { seed: 0.5 })).toThrow('ForgetRelearn: seed must be an integer');
    const llf = { generations: 2, epochsPerGeneration: 2, from: 'head' };
    expect(() => new LaterLayerForgetting({ ...llf, generations: 0 })).toThrow(
      'LaterLayerForgetting: generations must',
    );
    expect(() => new LaterLayerForgetting({ ...llf, freeze: 'all' as 'kept' })).toThrow('freeze must be one of "none"');
    expect(() => knowledgeEvolution({ splitRate: 0 })).toThrow('knowledgeEvolution: splitRate must be');
    expect(() => iterativeMagnitudePruning({ keep: 1 })).toThrow('keep must be a number between 0 and 1, received 1.');
    expect(() => iterativeMagnitudePruning({ rewind: -1 })).toThrow('rewind must be an integer of at least 0');
    expect(() => denseSparseDense({ sparsity: 1.5 })).toThrow('sparsity must be');
    expect(() => partialForgetting({ mask: 'small' as 'random' })).toThrow('mask must be one of "magnitude", "random"');
  });

  it('is named before the first batch', async () => {
    const model = smallModel();
    const before = weightValues(model);
    const refused = async (callback: ForgetRelearn, message: string, args: Partial<tf.ModelFitArgs> = {}) => {
      await expect(train(model, { epochs: 4, callbacks: [callback], ...args })).rejects.toThrow(message);
      expect(weightValues(model)).toEqual(before);
      expect(traces(model)).toEqual([]);
    };
    const llf = new LaterLayerForgetting({ generations: 2, epochsPerGeneration: 2, from: 'haed' });
    await refused(llf, 'LaterLayerForgetting: from must be the name of a layer of the model (nearest: "head", ');
    await refused(
      relearn(() => {}),
      'ForgetRelearn: epochs of fit must be 4 (2 generations of 2), received 3.',
      { epochs: 3 },
    );
    await refused(relearn(knowledgeEvolution({ layers: ['heat'] })), 'layers must be the name of a layer');
    const late = 'initialEpoch must be 0, or the state of the run that goes on restored, received 2.';
    await refused(relearn(knowledgeEvolution()), late, { initialEpoch: 2 });
    await refused(
      relearn(iterativeMagnitudePruning({ rewind: 2 })),
      'rewind must be an epoch of the first generation (of 2), received 2.',
    );
  });

  it('is a checkpoint of another configuration', () => {
    const model = smallModel();
    const checkpoint = saveCheckpoint(model, { epoch: 0, callbacks: [relearn(iterativeMagnitudePruning())] });
    const restore = (callback: ForgetRelearn) => () => restoreCheckpoint(model, checkpoint, { callbacks: [callback] });
    expect(restore(relearn(iterativeMagnitudePruning({ keep: 0.5 })))).toThrow(
      'forgetRelearn "keep" must be 0.8 as saved, received 0.5.',
    );
    expect(restore(relearn(knowledgeEvolution()))).toThrow(
      'forgetRelearn "operation" must be "iterativeMagnitudePruning" as saved, received "knowledgeEvolution".',
    );
    expect(restore(relearn(iterativeMagnitudePruning(), { seed: 2 }))).toThrow(
      '"seed" must be 1 as saved, received 2.',
    );
    expect(restore(relearn(iterativeMagnitudePruning()))).not.toThrow();
  });
});
