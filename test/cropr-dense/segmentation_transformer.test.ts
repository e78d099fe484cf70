import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import { keptTokens } from '../../src/cropr/kept_tokens.js';
import { pruningCurriculum } from '../../src/cropr/schedule.js';
import { stripAuxHeads } from '../../src/cropr/strip_aux_heads.js';
import { TokenPruner } from '../../src/cropr/token_pruner.js';
import type { DensePruningConfig, TokenScores } from '../../src/cropr-dense/dense_module.js';
import { segmentationTargets } from '../../src/cropr-dense/label_maps.js';
import { PruningCurriculum } from '../../src/cropr-dense/pruning_curriculum.js';
import { segmentationLoss } from '../../src/cropr-dense/segmentation_loss.js';
import {
  type SegmentationTransformerConfig,
  segmentationTransformer,
} from '../../src/cropr-dense/segmentation_transformer.js';
import { largestError } from '../cropr/golden.js';
import { outputsOf } from '../cropr/vit_fixtures.js';
import { onEachBackend } from '../setup/backends.js';

const CONFIG: SegmentationTransformerConfig = {
  imageSize: [4, 6],
  channels: 1,
  patchSize: 2,
  dim: 8,
  depth: 4,
  heads: 2,
  classes: 3,
  kernelStd: 0.3,
  seed: 1,
};

const build = (pruning?: DensePruningConfig): tf.LayersModel =>
  segmentationTransformer({ ...CONFIG, ...(pruning && { pruning }) });

const images = (): tf.Tensor => tf.randomNormal([3, 4, 6, 1], 0, 1, 'float32', 5);
const labels = (): tf.Tensor => tf.randomUniform([3, 4, 6], 0, 3, 'int32', 6);

const rivals: DensePruningConfig[] = [
  { prune: [2, 2] },
  { prune: [2, 2], router: 'random' },
  { prune: [2, 2], router: 'attention' },
  { prune: [2, 2], after: [0, 1], fusion: 'end' },
  { prune: [2, 2], after: [0, 1], fusion: 'end', router: 'attention' },
  { prune: [2, 2], after: [0, 2], fusion: 'none', router: 'random' },
  { prune: [2, 2], after: [0, 2], fusion: 'logits' },
];

onEachBackend(() => {
  describe.each(rivals.map((pruning) => [JSON.stringify(pruning), pruning] as const))(
    'with pruning %s',
    (_, pruning) => {
      it('trains by the standard fit, every weight of the backbone', async () => {
        const before = tf.memory().numTensors;
        const model = build(pruning);
        const weights = (): Map<string, Float32Array> =>
          new Map(modelWeights(model).map(({ key, variable }) => [key, variable.dataSync().slice() as Float32Array]));
        const optimizer = tf.train.sgd(0.5);
        model.compile({ optimizer, loss: segmentationLoss() });
        const [x, y] = [images(), labels()];
        const targets = segmentationTargets(y, model);
        const first = weights();
        await model.fit(x, targets, { epochs: 1, batchSize: 3, verbose: 0 });
        for (const [key, values] of weights()) {
          expect(largestError(values, first.get(key) as Float32Array), key).toBeGreaterThan(0);
        }
        tf.dispose([x, y, targets]);
        model.dispose();
        optimizer.dispose();
        expect(tf.memory().numTensors).toBe(before);
      });
    },
  );

  describe('with scores of its own', () => {
    // Of the ids: the last patches stay.
    const byPlace: TokenScores = (_, ids) => tf.layers.reLU().apply(ids) as tf.SymbolicTensor;

    it('keeps the tokens with the highest', async () => {
      const model = build({ prune: [2, 1], router: byPlace });
      const x = images();
      const [first, second] = await keptTokens(model, x);
      for (const kept of first?.kept ?? []) expect([...kept].sort()).toEqual([2, 3, 4, 5]);
      for (const kept of second?.kept ?? []) expect([...kept].sort()).toEqual([3, 4, 5]);
      x.dispose();
      model.dispose();
    });
  });

  describe('without a token to prune', () => {
    it.each(['lastLayer', 'end', 'none', 'logits'] as const)('fusion %s is the unpruned network', (fusion) => {
      const [plain, pruned] = [build(), build({ prune: [0], after: [1], fusion })];
      tf.tidy(() => {
        const [expected] = outputsOf(plain, images(), false);
        const [received] = outputsOf(pruned, images(), false);
        expect(largestError(received?.dataSync() ?? [], expected?.dataSync() ?? [])).toBeLessThan(1e-5);
      });
      plain.dispose();
      pruned.dispose();
    });
  });

  describe('a pruned token', () => {
    /** Map at the size of the grid and the patches that are left, of one image. */
    const run = async (
      pruning: DensePruningConfig,
    ): Promise<{ cells: number[][]; kept: number[]; aux: number[][] }> => {
      const model = segmentationTransformer({ ...CONFIG, imageSize: [2, 3], patchSize: 1, pruning });
      const x = tf.randomNormal([1, 2, 3, 1], 0, 1, 'float32', 9);
      const [kept] = await keptTokens(model, x);
      const [map, aux] = outputsOf(model, x, false).map((output) => output.reshape([6, 3]).arraySync() as number[][]);
      model.dispose();
      x.dispose();
      return { cells: map as number[][], kept: kept?.kept[0] as number[], aux: aux as number[][] };
    };

    it('has what the aux head predicted for its cell with fusion of logits, and the others do not', async () => {
      const { cells, kept, aux } = await run({ prune: [3], after: [1], fusion: 'logits' });
      const same = cells.map((cell, i) => largestError(cell, aux[i] as number[]) < 1e-6);
      expect(same).toEqual([0, 1, 2, 3, 4, 5].map((i) => !kept.includes(i)));
    });

    it('has the logits of nothing without fusion: the same in all cells', async () => {
      const { cells, kept } = await run({ prune: [3], after: [1], fusion: 'none' });
      const gone = cells.filter((_, i) => !kept.includes(i));
      expect(gone).toHaveLength(3);
      for (const cell of gone) expect(largestError(cell, [0, 0, 0])).toBeLessThan(1e-6); // the bias alone
      for (const i of kept) expect(largestError(cells[i] as number[], [0, 0, 0])).toBeGreaterThan(1e-3);
    });
  });

  describe('PruningCurriculum', () => {
    it('sets the rates of the epoch, restores them, and repeats by absolute epoch', async () => {
      const model = build({ prune: 2 });
      const routers = model.layers.filter((layer) => layer instanceof TokenPruner);
      const seen: number[][] = [];
      const watch = new tf.CustomCallback({
        onBatchEnd: async () => void seen.push(routers.map(({ rate }) => rate)),
      });
      model.compile({ optimizer: 'sgd', loss: segmentationLoss() });
      const [x, y] = [images(), labels()];
      const targets = segmentationTargets(y, model);
      const curriculum = (): PruningCurriculum => new PruningCurriculum({ epochs: 6 });
      const options = { batchSize: 3, verbose: 0, callbacks: [curriculum(), watch] };
      const { history } = await model.fit(x, targets, { ...options, epochs: 6 });
      const rates = pruningCurriculum(2, 6);
      expect(rates).toEqual([0, 1, 2, 2, 2, 2]);
      expect(seen).toEqual(rates.map((rate) => [rate + 1, rate]));
      expect(history['pruning/tokens']).toEqual(rates.map((rate) => 2 * rate + 1));
      expect(routers.map(({ rate }) => rate)).toEqual([3, 2]);
      seen.length = 0;
      await model.fit(x, targets, { ...options, initialEpoch: 1, epochs: 2, callbacks: [curriculum(), watch] });
      expect(seen).toEqual([[2, 1]]);
      const broken = new tf.CustomCallback({
        onBatchEnd: () => {
          throw new Error('broken');
        },
      });
      await expect(
        model.fit(x, targets, { ...options, epochs: 1, callbacks: [curriculum(), broken] }),
      ).rejects.toThrow();
      expect(routers.map(({ rate }) => rate)).toEqual([3, 2]);
      tf.dispose([x, y, targets]);
      model.dispose();
    });
  });

  describe('stripAuxHeads', () => {
    it('predicts the same with one vector per router', () => {
      const model = build({ prune: 2 });
      const stripped = stripAuxHeads(model);
      tf.tidy(() => {
        const [expected] = outputsOf(model, images(), false);
        const [received, ...rest] = outputsOf(stripped, images(), false);
        expect(rest).toEqual([]);
        expect(largestError(received?.dataSync() ?? [], expected?.dataSync() ?? [])).toBeLessThan(1e-5);
      });
      expect(stripped.layers.filter(({ name }) => name.startsWith('aux_'))).toEqual([]);
      model.dispose();
      stripped.dispose();
    });
  });
});

describe('segmentationTransformer refuses', () => {
  it.each([
    [
      'a schedule that leaves nothing',
      { pruning: { prune: 3 } },
      /pruning\.prune must be a schedule that leaves some of 6/,
    ],
    ['logits without heads', { pruning: { prune: 1, fusion: 'logits', router: 'random' } }, /router must be "cropr"/],
    ['an unknown fusion', { pruning: { prune: 1, fusion: 'all' } }, /pruning\.fusion must be one of "lastLayer"/],
    ['an unknown router', { pruning: { prune: 1, router: 'tome' } }, /pruning\.router must be one of "cropr"/],
    [
      'too few blocks for fusion',
      { depth: 2, pruning: { prune: 1 } },
      /depth must be at least 3 with pruning and fusion/,
    ],
    [
      'a width that is no multiple of 4 heads',
      { dim: 10 },
      /RotaryBlock: heads must be one with 4 · heads that divides 10/,
    ],
    ['a patch that does not divide the image', { patchSize: 4 }, /patchSize must be a divisor/],
    ['an image without height', { imageSize: [0, 4] }, /imageSize must be an integer of at least 1, received 0/],
  ] as [string, object, RegExp][])('%s', (_, change, message) => {
    expect(() => segmentationTransformer({ ...CONFIG, ...change } as SegmentationTransformerConfig)).toThrow(message);
  });
});
