import type * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { ReinitLaw } from '../../src/core/reinitialize.js';
import { bornAgain } from '../../src/forgetting/later_layers.js';
import { type ForgetMemory, type ForgetOperation, maskedOperation } from '../../src/forgetting/operation.js';
import { type PartialForgettingOptions, partialForgetting } from '../../src/forgetting/partial_forgetting.js';
import { type Recorded, type RecordedGroup, toTensor } from '../cropr/golden.js';
import resets from '../fixtures/forgetting/ke_reset.json' with { type: 'json' };
import language from '../fixtures/forgetting/mixed_language_forget.json' with { type: 'json' };
import pbf from '../fixtures/forgetting/pbf.json' with { type: 'json' };
import targeted from '../fixtures/forgetting/targeted_forgetting.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { bag, bagKey, bagValues, contents, fill, recordedContents } from './bag.js';

/** A law that gives out recorded values. */
function replay(group: RecordedGroup): ReinitLaw {
  const draws = bagValues(group);
  return ({ key }) => {
    const value = draws.get(key);
    return value && toTensor(value);
  };
}

const masksIn = (memory: ForgetMemory): Record<string, number[]> =>
  Object.fromEntries(
    [...memory].flatMap(([key, { values }]) => (key.startsWith('mask:') ? [[key.slice(5), Array.from(values)]] : [])),
  );

/** Masks as if the operation had made them at the start. */
const remember = (masks: RecordedGroup): ForgetMemory =>
  new Map(
    Object.entries(masks).map(([name, { shape, int32 = [] }]) => [
      `mask:${bagKey(name)}`,
      { values: Uint8Array.from(int32), shape },
    ]),
  );

const forget = (model: tf.LayersModel, { forget: run }: ForgetOperation, memory: ForgetMemory = new Map()) =>
  run({ model, generation: 1, generations: 2, seed: 1, memory });

/** The recorded masks, in an operation that drew them. */
const drawn = (masks: RecordedGroup, reinit: ReinitLaw): ForgetOperation => {
  const values = bagValues(masks);
  return maskedOperation({
    name: 'replayed',
    options: {},
    mask: ({ weight: { key } }) => Uint8Array.from(values.get(key)?.values ?? []),
    when: 'new',
    kept: 'stay',
    dropped: 'reinit',
    reinit,
  });
};

interface Reset {
  before: Record<string, RecordedGroup>;
  after: Record<string, RecordedGroup>;
  masks: Record<string, RecordedGroup>;
  draws: Record<string, RecordedGroup>;
}

onEachBackend(() => {
  describe('the published partial forgetting', () => {
    for (const [name, { resets: moments }] of Object.entries(pbf)) {
      for (const [place, moment] of (moments as unknown as Reset[]).entries()) {
        it.each(Object.keys(moment.before))(`${name}, forgetting ${place + 1}: %s`, async (who) => {
          const model = bag(moment.before[who] as RecordedGroup);
          const masks = moment.masks[who];
          const law = replay(moment.draws[who] ?? {});
          if (!masks) await forget(model, bornAgain({ reinit: law }));
          else if (name.startsWith('pbf_same_weight')) {
            await forget(model, partialForgetting({ keep: 0.1, reinit: law }), remember(masks));
          } else if (name.startsWith('new_rand')) await forget(model, drawn(masks, law));
          else {
            const memory: ForgetMemory = new Map();
            await forget(model, partialForgetting({ keep: 0.5, when: 'new', dropped: 'zero' }), memory);
            expect(masksIn(memory)).toEqual(recordedContents(masks));
          }
          expect(contents(model)).toEqual(recordedContents(moment.after[who] as RecordedGroup));
        });
      }
    }
  });

  describe('the published forgetting of a mixed language', () => {
    for (const [name, records] of Object.entries(language)) {
      it(name, async () => {
        for (const record of records as unknown as Record<'model' | 'mask' | 'clone', RecordedGroup>[]) {
          const model = bag(record.model);
          if (name.endsWith('zero_0.5')) {
            await forget(model, partialForgetting({ dropped: 'zero', keep: 0.5 }), remember(record.mask));
          } else await forget(model, drawn(record.mask, replay(record.clone)));
          expect(contents(model)).toEqual(recordedContents(record.clone));
        }
      });
    }
  });

  describe('the published targeted forgetting', () => {
    const settings: Record<string, PartialForgettingOptions> = {
      imp_new_weight_rewind_zero: { when: 'new', kept: 'rewind', dropped: 'zero', vectors: 'keep', head: 'half' },
      new_weight_zero: { when: 'new', dropped: 'zero', vectors: 'keep', head: 'half' },
      same_weight_reinit: { when: 'same', vectors: 'drop' },
      same_rand_rewind_reinit: { when: 'same', kept: 'rewind', vectors: 'drop' },
      ke_new_rand_reinit: { when: 'new', vectors: 'drop', head: 'half' },
    };
    for (const [name, variant] of Object.entries(targeted.variants)) {
      it(name, async () => {
        const [, rule, share] = /^(.*)_keep(0\.\d)/.exec(name) as unknown as [string, string, string];
        const model = bag(variant.init as RecordedGroup);
        for (const snapshot of variant.snapshots) {
          const masks = snapshot.masks as RecordedGroup;
          const fresh = Object.fromEntries(
            Object.entries(snapshot.fresh_reset as Record<string, RecordedGroup>).flatMap(([layer, group]) =>
              Object.entries(group).map(([kind, value]) => [`${layer}.${kind}`, value] as [string, Recorded]),
            ),
          );
          const setting = settings[rule] as PartialForgettingOptions;
          const operation = partialForgetting({ ...setting, keep: Number(share), reinit: replay(fresh) });
          const memory: ForgetMemory = new Map();
          fill(model, variant.init as RecordedGroup);
          await operation.begin?.({ model, generation: 0, generations: 2, seed: 1, memory });
          fill(model, snapshot.model as RecordedGroup);
          const kernels = Object.fromEntries(Object.entries(masks).filter(([key]) => key.endsWith('weight')));
          if (rule.startsWith('ke')) {
            // The masks were drawn, and the biases, which have none, drawn anew.
            const biases = Object.entries(snapshot.model as RecordedGroup).filter(([key]) => key.endsWith('bias'));
            const none = biases.map(([key, { shape }]) => [key, { shape, int32: Array(shape[0]).fill(0) }]);
            await forget(model, drawn({ ...kernels, ...Object.fromEntries(none) }, replay(fresh)));
          } else {
            if (rule.includes('rand')) for (const [key, value] of remember(kernels)) memory.set(key, value);
            await forget(model, operation, memory);
            expect(masksIn(memory)).toMatchObject(recordedContents(kernels));
          }
          expect(contents(model)).toEqual(recordedContents(snapshot.clone_after_forget as RecordedGroup));
        }
      });
    }
  });

  it('the published split of Knowledge Evolution', async () => {
    for (const { before, after, draw, mask, evolve_mode } of resets.cases) {
      const model = bag({ 'layer.weight': before as Recorded });
      const zeros = { shape: before.shape, int32: Array(mask.int32.length).fill(0) };
      const law = replay({ 'layer.weight': evolve_mode === 'zero' ? zeros : (draw as Recorded) });
      await forget(model, drawn({ 'layer.weight': mask }, law));
      expect(contents(model)).toEqual(recordedContents({ 'layer.weight': after as Recorded }));
    }
  });
});
