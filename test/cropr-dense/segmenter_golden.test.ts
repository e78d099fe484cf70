import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import { stripAuxHeads } from '../../src/cropr/strip_aux_heads.js';
import { TokenPruner } from '../../src/cropr/token_pruner.js';
import { downsampleLabels } from '../../src/cropr-dense/label_maps.js';
import { takeTokens } from '../../src/ops/gather_tokens.js';
import {
  channelsLast,
  decode,
  expectNear,
  expectNoGradient,
  gradientsOf,
  type NumberArray,
  ourWeights,
  type RecordedGroup,
  recorded,
  TOLERANCE,
} from '../cropr/golden.js';
import { outputsOf } from '../cropr/vit_fixtures.js';
import { onEachBackend } from '../setup/backends.js';
import {
  byPatch,
  segmenterFixture as fixture,
  images,
  labels,
  lossesOf,
  recordedSegmenter,
  withModel,
} from './segmenter_fixture.js';

const train: RecordedGroup = fixture.train;

onEachBackend(() => {
  describe('the segmenter equals the authors’ model', () => {
    const near = (received: tf.Tensor | null | undefined, expected: NumberArray, what: string): void =>
      expectNear(received, expected, TOLERANCE, what);
    const get = (group: RecordedGroup, name: string): NumberArray => decode(group[name] as RecordedGroup[string]);

    /** Outputs of an inner layer. */
    const inner = (model: tf.LayersModel, layer: string): tf.Tensor[] =>
      outputsOf(tf.model({ inputs: model.inputs, outputs: model.getLayer(layer).output }), images(), true);

    /** Logits of the patches, the class token's left out. */
    const patchLogits = (model: tf.LayersModel): tf.Tensor => tf.slice(inner(model, 'head')[0] as tf.Tensor, [0, 1, 0]);

    it('in the output of the embedding and of every block', () => {
      withModel(recordedSegmenter, (model) => {
        near(inner(model, 'embed')[0], get(train, 'embed'), 'embed');
        for (let j = 0; j < 4; j++) near(inner(model, `block_${j}`)[0], get(train, `block_${j}_out`), `block ${j}`);
        // The authors put the tokens in order behind the last block, we before it.
        const inOrder = (name: string): NumberArray => {
          const sorted = takeTokens(recorded(train, name), recorded(train, 'llf_inverse_perm'));
          return { shape: sorted.shape, values: sorted.dataSync() };
        };
        near(inner(model, 'fusion')[0], inOrder('last_block_in'), 'last block in');
        near(inner(model, 'block_4')[0], inOrder('block_4_out'), 'block 4');
        const patches = tf.slice(inner(model, 'block_4')[0] as tf.Tensor, [0, 1, 0]);
        near(patches, get(train, 'patch_tokens_before_fc_norm'), 'patches');
      });
    });

    it('in the choice of tokens, which carry their ids', () => {
      withModel(recordedSegmenter, (model) => {
        const concatenated = [0, 1, 2].flatMap((i) => {
          const [, pruned, , attention, keptIds, prunedIds] = inner(model, `router_${i}`) as tf.Tensor[];
          expect(pruned?.shape[1]).toBe(fixture.pruningRates[i]);
          const scores = tf.slice(tf.sum(attention as tf.Tensor, [1, 2]), [0, 1]);
          const expected = tf.slice(recorded(train, `cropr_${i}_scores_with_cls_inf`), [0, 1]);
          // Sums of 16 logits.
          expectNear(scores, { shape: expected.shape, values: expected.dataSync() }, 4 * TOLERANCE, `scores ${i}`);
          expect(Array.from(keptIds?.dataSync() ?? [])).toEqual(train[`cropr_${i}_kept_token_ids`]?.int32);
          expect(Array.from(prunedIds?.dataSync() ?? [])).toEqual(train[`cropr_${i}_pruned_token_ids`]?.int32);
          return i === 2 ? [keptIds, prunedIds] : [prunedIds];
        });
        const [first, second, kept, third] = concatenated as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const all = tf.concat([kept, first, second, third], 1);
        expect(Array.from(all.dataSync())).toEqual(train['llf_concat_token_ids']?.int32);
      });
    });

    it('in maps, aux logits and losses', () => {
      expect(Array.from(tf.tidy(() => downsampleLabels(labels(), [4, 4]).dataSync()))).toEqual(
        train['target_grid_nearest']?.int32,
      );
      withModel(recordedSegmenter, (model) => {
        const [map, ...aux] = outputsOf(model, images(), true);
        near(map, channelsLast(get(train, 'masks')), 'map');
        expect(aux).toHaveLength(3);
        for (const [i, logits] of aux.entries()) near(logits, byPatch(get(train, `aux_masks_${i}`)), `aux ${i}`);
        const losses = lossesOf(model);
        near(tf.stack(losses), get(train, 'losses_ce'), 'losses');
        near(tf.addN(losses), get(train, 'total_loss_ce'), 'total loss');
      });
    });

    it('at inference, with folded queries too, and without pruning', () => {
      withModel(recordedSegmenter, (model) => {
        const stripped = stripAuxHeads(model);
        near(stripped.predict(images()) as tf.Tensor, channelsLast(get(fixture.eval, 'masks')), 'map');
        near(patchLogits(stripped), get(fixture.eval, 'patch_logits'), 'patches');
        expect(stripped.getLayer('router_0').getWeights()[0]?.shape).toEqual([1, 16]);
        stripped.dispose();
      });
      withModel(
        () => recordedSegmenter(null),
        (model) => near(patchLogits(model), get(fixture.eval, 'unpruned_patch_logits'), 'unpruned'),
      );
    });

    it.each([0, 2, 5] as const)('in epoch %i of the curriculum', (epoch) => {
      withModel(recordedSegmenter, (model) => {
        const { curriculum } = fixture;
        const rates = curriculum[`epoch${epoch}_pruning_rates`].int32;
        model.layers
          .filter((layer) => layer instanceof TokenPruner)
          .forEach((router, i) => {
            router.rate = rates[i] as number;
          });
        near(patchLogits(model), get(curriculum, `epoch${epoch}_patch_logits`), `epoch ${epoch}`);
        const stripped = stripAuxHeads(model);
        expect(stripped.outputs[0]?.shape).toEqual([null, 32, 32, 5]);
        stripped.dispose();
      });
    });

    it('in the gradient of the total loss, for every weight by name', () => {
      withModel(recordedSegmenter, (model) => {
        const weights = modelWeights(model);
        const { value, gradients } = gradientsOf(() => tf.addN(lossesOf(model)), weights);
        expect(value).toBeCloseTo(get(train, 'total_loss_ce').values[0] as number, 4);
        const expected = ourWeights(fixture.grads_total_loss);
        expect([...expected.keys()].sort()).toEqual(weights.map(({ key }) => key).sort());
        for (const [key, gradient] of expected) near(gradients.get(key), gradient, key);
      });
    });

    it.each([
      ['the main loss moves no weight of a module', 'main'],
      ['the aux losses move no weight of the backbone', 'aux'],
    ] as const)('and %s, exactly', (_, part) => {
      withModel(recordedSegmenter, (model) => {
        const weights = modelWeights(model);
        const { gradients } = gradientsOf(() => {
          const [main, ...aux] = lossesOf(model) as [tf.Tensor, ...tf.Tensor[]];
          return part === 'main' ? main : tf.addN(aux);
        }, weights);
        for (const { key } of weights) {
          if (/^(router|aux)_/.test(key) === (part === 'main')) expectNoGradient(gradients.get(key), key);
          else expect(tf.max(tf.abs(gradients.get(key) as tf.Tensor)).dataSync()[0], key).toBeGreaterThan(0);
        }
      });
    });
  });
});
