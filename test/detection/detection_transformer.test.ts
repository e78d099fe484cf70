import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import { stripAuxHeads } from '../../src/cropr/strip_aux_heads.js';
import { DetectionHead } from '../../src/detection/detection_head_layer.js';
import { detectionLoss } from '../../src/detection/detection_loss.js';
import { detectionTargets } from '../../src/detection/detection_targets.js';
import {
  type DetectionPruningConfig,
  type DetectionTransformerConfig,
  detectionTransformer,
} from '../../src/detection/detection_transformer.js';
import { largestError } from '../cropr/golden.js';
import { outputsOf } from '../cropr/vit_fixtures.js';
import { onEachBackend } from '../setup/backends.js';
import { SCENES, SMALL, smallDetector } from './small_detector.js';

const MASKS = { prototypes: 2, resolution: 2 };
const build = (pruning?: DetectionPruningConfig): tf.LayersModel =>
  smallDetector({ masks: MASKS, ...(pruning && { pruning }) });
const images = (): tf.Tensor => tf.randomNormal([2, 8, 12, 1], 0, 1, 'float32', 5);

const rivals: DetectionPruningConfig[] = [
  { prune: [2, 2] },
  { prune: [2, 2], router: 'random' },
  { prune: [2, 2], after: [0, 1], fusion: 'end', router: 'attention' },
  { prune: [2, 2], after: [0, 2], fusion: 'none' },
];

onEachBackend(() => {
  describe.each(rivals.map((pruning) => [JSON.stringify(pruning), pruning] as const))(
    'with pruning %s',
    (_, pruning) => {
      it('trains by the standard fit, every weight, and leaves nothing behind', async () => {
        const before = tf.memory().numTensors;
        const model = build(pruning);
        const weights = (): Map<string, Float32Array> =>
          new Map(modelWeights(model).map(({ key, variable }) => [key, variable.dataSync().slice() as Float32Array]));
        const optimizer = tf.train.sgd(0.5);
        model.compile({ optimizer, loss: detectionLoss(model) });
        const x = images();
        const targets = detectionTargets(SCENES, model);
        const first = weights();
        const { history } = await model.fit(x, targets, { epochs: 1, batchSize: 2, verbose: 0 });
        expect(Number.isFinite(history['loss']?.[0])).toBe(true);
        for (const [key, values] of weights()) {
          expect(largestError(values, first.get(key) as Float32Array), key).toBeGreaterThan(0);
        }
        tf.dispose([x, targets]);
        model.dispose();
        optimizer.dispose();
        expect(tf.memory().numTensors).toBe(before);
      });
    },
  );

  describe('detectionTransformer', () => {
    it.each(['lastLayer', 'end', 'none'] as const)('is unpruned with fusion %s where no token is pruned', (fusion) => {
      const [plain, pruned] = [build(), build({ prune: [0], after: [1], fusion })];
      tf.tidy(() => {
        const [expected] = outputsOf(plain, images(), false);
        const [received] = outputsOf(pruned, images(), false);
        expect(largestError(received?.dataSync() ?? [], expected?.dataSync() ?? [])).toBeLessThan(1e-5);
      });
      plain.dispose();
      pruned.dispose();
    });

    it('predicts the same once it is stripped of its aux heads, in one output', () => {
      const model = build({ prune: [2, 2] });
      expect(model.outputs.map(({ shape }) => shape)).toEqual([[null, 6, 18], [null, 3], [null, 3]]); // biome-ignore format: shapes
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

    it('gives the aux losses to queries and heads, the main loss to the rest', () => {
      const model = build({ prune: [2, 2] });
      const weights = modelWeights(model);
      const isAux = (key: string): boolean => key.startsWith('router_') || key.startsWith('aux_');
      tf.tidy(() => {
        const targets = detectionTargets(SCENES, model);
        const x = images();
        for (const [outputs, moves] of [
          [[0], false],
          [[1, 2], true],
        ] as [number[], boolean][]) {
          // biome-ignore format: pairs
          const { grads } = tf.variableGrads(
            () => {
              const found = outputsOf(model, x, true);
              const losses = outputs.map((i) => detectionLoss(model)(targets[i] as tf.Tensor, found[i] as tf.Tensor));
              return tf.addN(losses).asScalar();
            },
            weights.map(({ variable }) => variable),
          );
          for (const { key, variable } of weights) {
            const values = grads[variable.name]?.dataSync() ?? [];
            expect(
              Array.from(values).some((value) => value !== 0),
              key,
            ).toBe(isAux(key) === moves);
          }
        }
      });
      model.dispose();
    });

    it('is saved and loaded with what its loss and targets have to know', async () => {
      const model = build({ prune: [2, 2] });
      let saved: tf.io.ModelArtifacts | undefined;
      await model.save(
        tf.io.withSaveHandler(async (artifacts) => {
          saved = artifacts;
          return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
        }),
      );
      const topology = JSON.parse(JSON.stringify(saved?.modelTopology)) as Record<string, unknown>;
      const loaded = await tf.loadLayersModel(tf.io.fromMemory({ ...saved, modelTopology: topology }));
      tf.tidy(() => {
        const losses = [model, loaded].map((one) => {
          const [cells] = detectionTargets(SCENES, one) as [tf.Tensor];
          const [outputs] = outputsOf(one, images(), false) as [tf.Tensor];
          return detectionLoss(one)(cells, outputs).dataSync()[0];
        });
        expect(losses[1]).toBe(losses[0]);
      });
      model.dispose();
      loaded.dispose();
    });
  });
});

describe('refused', () => {
  it.each([
    [
      'fusion of logits',
      { pruning: { prune: 1, fusion: 'logits' } },
      /detectionTransformer: pruning\.fusion must be one of/,
    ],
    [
      'a schedule that leaves nothing',
      { pruning: { prune: 3 } },
      /pruning\.prune must be a schedule that leaves some of 6/,
    ],
    ['no class', { classes: 0 }, /DetectionHead: classes must be an integer of at least 1, received 0/],
    [
      'prototypes finer than the image',
      { masks: { resolution: 3 } },
      /resolution must be a divisor of the patch size 4/,
    ],
    ['a negative number of prototypes', { masks: { prototypes: -1 } }, /prototypes must be an integer of at least 0/],
    ['a negative head', { headRatio: -1 }, /mlpRatio must be a number of at least 0/],
  ] as [string, object, RegExp][])('%s', (_, change, message) => {
    expect(() => detectionTransformer({ ...SMALL, ...change } as DetectionTransformerConfig)).toThrow(message);
  });

  it('a head on tokens of another grid', () => {
    const head = new DetectionHead({ classes: 1, grid: [2, 2], patchSize: 4 });
    expect(() => head.apply(tf.input({ shape: [6, 8] }))).toThrow(
      'DetectionHead: tokens must be those of 4 patches, or one token more, received [null, 6, 8].',
    );
  });
});
