import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { restoreCheckpoint, saveCheckpoint } from '../../src/core/checkpoint.js';
import { BlockNorm } from '../../src/forgetting/block_norm_layer.js';
import { ForgetRelearn } from '../../src/forgetting/forget_relearn.js';
import { layerwise, layerwiseBlock } from '../../src/forgetting/layerwise.js';
import type { ForgetMemory } from '../../src/forgetting/operation.js';
import { layerValues, normal, smallModel, train, weightValues } from '../core/models.js';
import { channelsLast, decode, expectNear, type RecordedGroup, toTensor } from '../cropr/golden.js';
import recorded from '../fixtures/forgetting/lw_reinit.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { bag, bagKey, bagValues, contents, recordedContents } from './bag.js';

const blocks = ['layer1.0', 'layer1.1', 'layer2.0', 'layer2.1', 'layer3.0', 'layer3.1', 'layer4.0', 'layer4.1', 'fc'];

/** The name of the first layer of a block in a bag. */
const firstLayer = (block: string): string =>
  bagKey(`${block}${block === 'fc' ? '' : '.conv1'}.weight`).split('/')[0] ?? '';

onEachBackend(() => {
  describe('the published layer-wise re-initialisation', () => {
    it.each(recorded.generations.filter(({ before }) => before !== null))('generation $generation', async (_row) => {
      const row = _row as unknown as {
        line: string;
        before: RecordedGroup;
        dummy_init: RecordedGroup;
        after_reset: RecordedGroup;
      };
      const generation = recorded.generations.indexOf(_row);
      const model = bag(row.before);
      const draws = bagValues(row.dummy_init);
      const operation = layerwise({
        blocks: blocks.map(firstLayer),
        reinit: ({ key }) => toTensor(draws.get(key) as NonNullable<ReturnType<typeof draws.get>>),
      });
      const memory: ForgetMemory = new Map(
        Object.entries(recorded.norms).map(([name, norm]) => [
          `norm:${bagKey(name)}`,
          { values: new Float32Array([norm]), shape: [] },
        ]),
      );
      await operation.forget({ model, generation, generations: 9, seed: 1, memory });
      const [received, expected] = [contents(model), recordedContents(row.after_reset)];
      expect(Object.keys(received).sort()).toEqual(Object.keys(expected).sort());
      for (const [key, values] of Object.entries(expected)) {
        received[key]?.forEach((value, i) => {
          expect(Math.abs(value - (values[i] as number)), key).toBeLessThanOrEqual(1e-6);
        });
      }
      expect(row.line).toContain(blocks[layerwiseBlock(generation, 9, 9)]);
    });

    it('the normalisation between blocks', () => {
      const layer = new BlockNorm();
      const [x1, y1, x2, y2] = (['x1', 'y1', 'x2', 'y2'] as const).map((name) =>
        channelsLast(decode(recorded.norm[name])),
      ) as [ReturnType<typeof decode>, ReturnType<typeof decode>, ReturnType<typeof decode>, ReturnType<typeof decode>];
      expectNear(layer.apply(toTensor(x1)) as tf.Tensor, x1, 0, 'off');
      layer.capture();
      expectNear(layer.apply(toTensor(x1)) as tf.Tensor, y1, 1e-6, 'the batch that it measures');
      expectNear(layer.apply(toTensor(x2)) as tf.Tensor, y2, 1e-6, 'a later batch');
      layer.release();
      expectNear(layer.apply(toTensor(x2)) as tf.Tensor, x2, 0, 'off again');
    });
  });

  describe('layerwise', () => {
    it('scales back, draws anew and normalises in fit', async () => {
      const model = tf.sequential({
        layers: [
          tf.layers.dense({ name: 'one', units: 4, inputShape: [3], activation: 'tanh' }),
          new BlockNorm({ name: 'after_one' }),
          tf.layers.dense({ name: 'two', units: 4, activation: 'tanh' }),
          new BlockNorm({ name: 'after_two' }),
          tf.layers.dense({ name: 'three', units: 2 }),
        ],
      });
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      const norm = (layer: string): number =>
        tf.norm(model.getLayer(layer).getWeights()[0] as tf.Tensor).dataSync()[0] as number;
      const first = norm('one');
      const measured = (layer: string): boolean =>
        tf.any(tf.notEqual(model.getLayer(layer).getWeights()[0] as tf.Tensor, 0)).dataSync()[0] === 1;
      const seen: [boolean, boolean][] = [];
      const spy = new tf.CustomCallback({
        onEpochBegin: (epoch) => {
          if (epoch > 0) expect(norm('one')).toBeCloseTo(first, 5);
        },
        onEpochEnd: () => void seen.push([measured('after_one'), measured('after_two')]),
      });
      const operation = layerwise({ blocks: ['one', 'two', 'three'] });
      const callback = new ForgetRelearn({ generations: 3, epochsPerGeneration: 1, operation, seed: 1 });
      await train(model, { epochs: 3, callbacks: [callback, spy] });
      expect(seen).toEqual([
        [false, false],
        [true, false],
        [true, true],
      ]);
    });

    it('resumes when the last step before the stop forgot, and the next batch is to be measured', async () => {
      const build = (): { model: tf.LayersModel; callbacks: ForgetRelearn[] } => {
        const draw = (seed: number) => tf.initializers.glorotUniform({ seed });
        const model = tf.sequential({
          layers: [
            tf.layers.dense({ name: 'one', units: 4, inputShape: [3], kernelInitializer: draw(1) }),
            new BlockNorm({ name: 'after_one' }),
            tf.layers.dense({ name: 'two', units: 2, kernelInitializer: draw(2) }),
          ],
        });
        model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
        // Epochs of two steps: the only forgetting is that after step 3, the last of epoch 1.
        const operation = layerwise({ blocks: ['one', 'two'] });
        return { model, callbacks: [new ForgetRelearn({ generations: 2, everySteps: 3, operation, seed: 1 })] };
      };
      const [whole, first, second] = [build(), build(), build()];
      await train(whole.model, { epochs: 3, callbacks: whole.callbacks });
      await train(first.model, { epochs: 2, callbacks: first.callbacks });
      const checkpoint = saveCheckpoint(first.model, { epoch: 2, callbacks: first.callbacks });
      const initialEpoch = restoreCheckpoint(second.model, checkpoint, { callbacks: second.callbacks });
      await train(second.model, { initialEpoch, epochs: 3, callbacks: second.callbacks });
      expect(weightValues(second.model)).toEqual(weightValues(whole.model));
      expect(layerValues(second.model, 'after_one').some((mean) => mean !== 0)).toBe(true);
      tf.dispose(checkpoint.tensors);
    });

    it('keeps a constant channel finite', () => {
      const layer = new BlockNorm();
      layer.apply(tf.ones([2, 3]));
      layer.capture();
      expect(Array.from((layer.apply(tf.ones([2, 3])) as tf.Tensor).dataSync())).toEqual([0, 0, 0, 0, 0, 0]);
      expect(Array.from((layer.apply(normal(1, 'x', [1, 3])) as tf.Tensor).dataSync()).every(Number.isFinite)).toBe(
        true,
      );
    });
  });
});

describe('layerwiseBlock', () => {
  it('is the block of the published code', () => {
    for (const [generations, selected] of Object.entries(recorded.selected)) {
      const count = Number(generations);
      expect(selected.map((_, g) => blocks[layerwiseBlock(g, count, 9)])).toEqual(selected);
    }
  });
});

describe('bad input', () => {
  it('is named', async () => {
    expect(() => layerwise({ blocks: [] })).toThrow('layerwise: blocks must be a list of names');
    const operation = layerwise({ blocks: ['body', 'hed'] });
    const callback = new ForgetRelearn({ generations: 2, epochsPerGeneration: 1, operation });
    await expect(train(smallModel(), { epochs: 2, callbacks: [callback] })).rejects.toThrow(
      'layerwise: blocks[1] must be the name of a layer of the model (nearest: "head"',
    );
  });
});
