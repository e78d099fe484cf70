import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  defaultModuleBlocks,
  pruningCurriculum,
  pruningPlan,
  pruningRates,
  tokenCounts,
} from '../../src/cropr/schedule.js';
import { visionTransformer } from '../../src/cropr/vision_transformer.js';
import recorded from '../fixtures/cropr/schedules.json' with { type: 'json' };

describe('the published token counts', () => {
  it.each([
    ['cls_vitL16_224_R8_llf', 8, 24, true],
    ['cls_vitL16_224_R8_nollf', 8, 24, false],
    ['segm_eva02L16_512_R40_llf', 40, 24, true],
  ] as const)('%s', (name, prune, depth, fusion) => {
    const { tokens_in, after_each_cropr } = recorded.token_counts[name];
    const modules = defaultModuleBlocks(depth, fusion);
    expect(tokenCounts(tokens_in, pruningRates(prune, modules.length))).toEqual(after_each_cropr);
  });
});

describe('the published curriculum', () => {
  it('rises to 40 over the first half of 64 epochs', () => {
    expect(pruningCurriculum(40, 64)).toEqual(recorded.segm_curriculum_R40_64epochs);
  });

  it('for any rate and length: starts at 0, never falls, ends at the rate', () => {
    fc.assert(
      fc.property(fc.nat({ max: 100 }), fc.integer({ min: 4, max: 200 }), (rate, epochs) => {
        const rates = pruningCurriculum(rate, epochs);
        expect(rates).toHaveLength(epochs);
        expect(rates[0]).toBe(0);
        expect(rates).toEqual([...rates].sort((a, b) => a - b));
        expect(rates.slice(Math.floor(epochs / 2) - 1)).toEqual(Array(epochs - Math.floor(epochs / 2) + 1).fill(rate));
      }),
    );
  });
});

describe('the published parameter counts', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** Builds the graph of ViT-L/16 without the memory for its 2 GB of weights. */
  function countParameters(pruning: Parameters<typeof visionTransformer>[0]['pruning']): number {
    let parameters = 0;
    const layer = tf.layers.Layer.prototype as unknown as { addWeight(name: string, shape: number[]): unknown };
    vi.spyOn(layer, 'addWeight').mockImplementation((_name, shape) => {
      parameters += shape.reduce((product, length) => product * length, 1);
    });
    const size = { imageSize: 224, channels: 3, patchSize: 16, dim: 1024, depth: 24, heads: 16, classes: 1000 };
    visionTransformer({ ...size, ...(pruning ? { pruning } : {}) });
    return parameters;
  }

  it('ViT-L/16 with 22 modules for training, and without pruning', () => {
    expect(countParameters({ prune: 8 })).toBe(recorded.param_counts.cls_vitL16_224_1000_R8_llf_training);
    expect(countParameters(undefined)).toBe(recorded.param_counts.cls_vitL16_224_1000_unpruned);
  });
});

describe('pruningPlan', () => {
  it('puts a module behind every block but the last, with fusion the last two', () => {
    expect(pruningPlan('test', 6, 2, undefined, false)).toEqual({ after: [0, 1, 2, 3, 4], prune: [3, 2, 2, 2, 2] });
    expect(pruningPlan('test', 6, 2, undefined, true)).toEqual({ after: [0, 1, 2, 3], prune: [3, 2, 2, 2] });
  });

  it('takes chosen blocks, the aggressive schedule of one step among them, and rates of their own', () => {
    expect(pruningPlan('test', 24, 50, [5, 11, 17], true)).toEqual({ after: [5, 11, 17], prune: [51, 50, 50] });
    expect(pruningPlan('test', 24, [819], [2], false)).toEqual({ after: [2], prune: [819] });
  });

  it('keeps no hold of the lists it was given', () => {
    const [after, prune] = [
      [0, 1],
      [2, 3],
    ];
    const plan = pruningPlan('test', 5, prune, after, true);
    after[0] = 9;
    prune[0] = 9;
    expect(plan).toEqual({ after: [0, 1], prune: [2, 3] });
  });
});
