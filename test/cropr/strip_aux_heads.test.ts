import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import { AuxHead } from '../../src/cropr/aux_head_layer.js';
import { CroprPruner } from '../../src/cropr/cropr_pruner_layer.js';
import { keptTokens } from '../../src/cropr/kept_tokens.js';
import { LastLayerFusion } from '../../src/cropr/last_layer_fusion_layer.js';
import type { PruningConfig } from '../../src/cropr/pruning_module.js';
import { stripAuxHeads } from '../../src/cropr/strip_aux_heads.js';
import { visionTransformer } from '../../src/cropr/vision_transformer.js';
import { disturbWeights } from '../contract/layer_runs.js';
import { normal } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';
import { decode, expectNear, largestError, type Recorded, TOLERANCE } from './golden.js';
import { images, recordedVit, vitFixtures } from './vit_fixtures.js';

/** A model with no weight at its first value. */
function trainedVit(pruning: PruningConfig): tf.LayersModel {
  const size = { imageSize: 12, channels: 1, patchSize: 2, dim: 8, depth: 4, heads: 2, classes: 3, seed: 2 };
  const model = visionTransformer({ ...size, pruning });
  for (const layer of model.layers) disturbWeights(layer, layer.name);
  return model;
}

function outputs(model: tf.LayersModel, x: tf.Tensor): tf.Tensor[] {
  const predicted = model.predict(x) as tf.Tensor | tf.Tensor[];
  return Array.isArray(predicted) ? predicted : [predicted];
}

function weightNames(model: tf.LayersModel): string[] {
  return modelWeights(model).map(({ key }) => key);
}

function values(model: tf.LayersModel): number[][] {
  return model.getWeights().map((weight) => Array.from(weight.dataSync()));
}

const cases: [string, PruningConfig][] = [
  ['plain', { prune: 5 }],
  ['without fusion', { prune: 5, fusion: false }],
  ['with heads', { prune: 5, scorer: { heads: 4 } }],
  ['with projections', { prune: 5, scorer: { queryProjection: true, keyProjection: true, valueProjection: true } }],
  ['with pre-norm', { prune: 5, scorer: { preNorm: true } }],
  [
    'with all options',
    {
      prune: 5,
      scorer: { heads: 2, queryProjection: true, keyProjection: true, preNorm: true, valueProjection: true },
    },
  ],
  ['of the non-salient', { prune: 5, router: 'nonSalient', scorer: { heads: 2, preNorm: true } }],
];

onEachBackend(() => {
  describe('stripAuxHeads', () => {
    it.each(cases)(
      '%s: ranks the same tokens, predicts the same logits, has no weight for training',
      async (_, pruning) => {
        const model = trainedVit(pruning);
        const before = values(model);
        const fast = stripAuxHeads(model);
        const x = normal(3, 'images', [4, 12, 12, 1]);
        const [full, lean] = [outputs(model, x), outputs(fast, x)];
        expect(lean).toHaveLength(1);
        expect(largestError(lean[0]?.dataSync() ?? [], full[0]?.dataSync() ?? [])).toBeLessThanOrEqual(1e-5);
        expect(lean[0]?.shape).toEqual(full[0]?.shape);
        expect(await keptTokens(fast, x)).toEqual(await keptTokens(model, x));

        const names = weightNames(fast);
        expect(names.filter((name) => /aux|queryKernel|keyKernel/.test(name))).toEqual([]);
        const backbone = weightNames(model).filter((name) => !/^(aux|router)_/.test(name));
        const routers = fast.layers.filter((layer) => layer instanceof CroprPruner);
        const perRouter = pruning.scorer?.preNorm ? ['queries', 'gamma', 'beta'] : ['queries'];
        const routing = routers.flatMap(({ name }) => perRouter.map((weight) => `${name}/${weight}`));
        expect(names.sort()).toEqual([...backbone, ...routing].sort());
        for (const router of routers) {
          const [queries, ...norm] = router.getWeights().map((weight) => weight.arraySync());
          const whole = model.getLayer(router.name) as CroprPruner;
          expect(queries).toEqual([tf.tidy(() => whole.foldedQuery().arraySync())]);
          const wholeNorm = whole.options.preNorm ? whole.getWeights().slice(-2) : [];
          expect(norm).toEqual(wholeNorm.map((weight) => weight.arraySync()));
        }

        // The given model is what it was, and neither holds the other's weights.
        expect(values(model)).toEqual(before);
        const kept = values(fast);
        for (const layer of model.layers) disturbWeights(layer, 'later');
        expect(values(fast)).toEqual(kept);
        model.dispose();
        expect(outputs(fast, x)[0]?.dataSync()).toEqual(lean[0]?.dataSync());
        fast.dispose();
        tf.dispose([x, full, lean]);
      },
    );

    it.each(['vit_cls_llf', 'vit_cls_nollf'] as const)('%s: has the logits of the authors’ model', (name) => {
      const model = recordedVit(vitFixtures[name]);
      const fast = stripAuxHeads(model);
      const x = images(vitFixtures[name]);
      const logits = fast.predict(x) as tf.Tensor;
      expectNear(logits, decode(vitFixtures[name].eval['logits'] as Recorded), TOLERANCE, name);
      model.dispose();
      fast.dispose();
      tf.dispose([x, logits]);
    });

    it('leaves no tensor behind but the weights of the new model', () => {
      const model = trainedVit({ prune: 5, scorer: { heads: 2, preNorm: true } });
      const { numTensors } = tf.memory();
      const fast = stripAuxHeads(model);
      expect(tf.memory().numTensors).toBe(numTensors + fast.weights.length);
      fast.dispose();
      expect(tf.memory().numTensors).toBe(numTensors);
      model.dispose();
    });

    it('can be saved, loaded and stripped again', async () => {
      const model = trainedVit({ prune: 5, scorer: { heads: 2, preNorm: true } });
      const fast = stripAuxHeads(model);
      let saved: tf.io.ModelArtifacts = {};
      const handler = tf.io.withSaveHandler(async (artifacts) => {
        saved = artifacts;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      });
      await fast.save(handler);
      const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved));
      const again = stripAuxHeads(loaded);
      const x = normal(3, 'images', [2, 12, 12, 1]);
      const logits = [fast, loaded, again].map((one) => Array.from(outputs(one, x)[0]?.dataSync() ?? []));
      expect(logits[1]).toEqual(logits[0]);
      expect(logits[2]).toEqual(logits[0]);
      for (const one of [model, fast, loaded, again]) one.dispose();
    });

    it('works on a user’s own model: ids, a router whose attention is an output, a shared layer, two inputs', () => {
      const tokens = tf.input({ shape: [9, 4], name: 'tokens' });
      const ids = tf.input({ shape: [9], dtype: 'int32', name: 'ids' });
      const mix = tf.layers.dense({
        units: 4,
        name: 'mix',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
      });
      const first = new CroprPruner({ name: 'first', prune: 3, heads: 2, preNorm: true, seed: 1 });
      const [kept, pruned, , attention, normalized, keptIds, prunedIds] = first.apply([
        mix.apply(tokens) as tf.SymbolicTensor,
        ids,
      ]) as tf.SymbolicTensor[] & Record<number, tf.SymbolicTensor>;
      const aux = new AuxHead({ units: 2, heads: 2, detach: false, seed: 1 }).apply([
        normalized as tf.SymbolicTensor,
        attention as tf.SymbolicTensor,
      ]) as tf.SymbolicTensor;
      const second = new CroprPruner({ name: 'second', prune: 2, queries: 2, seed: 2 });
      const [rest, gone, , shown] = second.apply(mix.apply(kept as tf.SymbolicTensor)) as tf.SymbolicTensor[];
      const fused = new LastLayerFusion({ name: 'fusion' }).apply([rest, gone, pruned] as tf.SymbolicTensor[]);
      const all = [fused, keptIds, prunedIds, shown] as tf.SymbolicTensor[];
      const model = tf.model({ inputs: [tokens, ids], outputs: [all[0] as tf.SymbolicTensor, aux, ...all.slice(1)] });
      for (const layer of [first, second, mix]) disturbWeights(layer, layer.name);
      const fast = stripAuxHeads(model);
      const x = [normal(1, 'x', [2, 9, 4]), tf.tile(tf.range(0, 9, 1, 'int32').expandDims(0), [2, 1])];
      const full = model.predict(x) as tf.Tensor[];
      const lean = fast.predict(x) as tf.Tensor[];
      expect(lean).toHaveLength(4);
      [0, 2, 3, 4].forEach((from, to) => {
        const [received, expected] = [lean[to] as tf.Tensor, full[from] as tf.Tensor];
        expect(received.shape).toEqual(expected.shape);
        expect(largestError(received.dataSync(), expected.dataSync())).toBeLessThanOrEqual(1e-5);
      });
      const router = (name: string): CroprPruner => fast.getLayer(name) as CroprPruner;
      expect([router('first').options.returnAttention, router('second').options.returnAttention]).toEqual([
        false,
        true,
      ]);
      expect(router('second').options.queries).toBe(2);
      expect(fast.layers.filter((layer) => layer.name === 'mix')).toHaveLength(1);
    });
  });
});
