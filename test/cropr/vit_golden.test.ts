import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import { poolTokens } from '../../src/cropr/transformer.js';
import { onEachBackend } from '../setup/backends.js';
import {
  decode,
  expectNear,
  expectNoGradient,
  gradientsOf,
  ourWeights,
  type Recorded,
  TOLERANCE,
  toTensor,
} from './golden.js';
import {
  images,
  lossesOf,
  oneHotTargets,
  outputsOf,
  recordedVit,
  type VitFixture,
  vitFixtures,
} from './vit_fixtures.js';

/** Runs the body with the model of a fixture and gives all its memory back. */
function withVit(fixture: VitFixture, body: (model: tf.LayersModel) => void): void {
  tf.engine().startScope();
  const model = recordedVit(fixture);
  try {
    body(model);
  } finally {
    model.dispose();
    tf.engine().endScope();
  }
}

/** Original ids of the tokens that each module keeps and prunes, from the local rankings `[B, M]` of all modules. */
function tokenIds(orders: number[][][], rates: readonly number[]): { kept: number[][]; pruned: number[][] }[] {
  let ids: number[][] | undefined;
  return orders.map((order, module) => {
    const before = ids;
    const sorted = order.map((row, image) => row.map((place) => before?.[image]?.[place] ?? place));
    const keep = (sorted[0] as number[]).length - (rates[module] as number);
    ids = sorted.map((row) => row.slice(0, keep));
    return { kept: ids, pruned: sorted.map((row) => row.slice(keep)) };
  });
}

onEachBackend(() => {
  describe.each(Object.entries(vitFixtures))('%s equals the authors’ model', (name, fixture) => {
    const { train, pruningRates } = fixture;
    const near = (received: tf.Tensor | null | undefined, expected: Recorded | undefined, what: string): void =>
      expectNear(received, decode(expected as Recorded), TOLERANCE, `${name} ${what}`);

    /** Outputs of inner layers: of `embed`, each block, each router and the input of the last block. */
    const inner = (model: tf.LayersModel, layer: string): tf.Tensor[] => {
      const outputs = tf.model({ inputs: model.inputs, outputs: model.getLayer(layer).output });
      return outputsOf(outputs, images(fixture), true);
    };

    it('in the output of the embedding and of every block, and in the pooled tokens', () => {
      withVit(fixture, (model) => {
        near(inner(model, 'embed')[0], train['embed'], 'embed');
        for (let j = 0; j < 5; j++) near(inner(model, `block_${j}`)[0], train[`block_${j}_out`], `block_${j}`);
        near(poolTokens(inner(model, 'block_4')[0] as tf.Tensor, 'avg'), train['pooled_before_fc_norm'], 'pooled');
        const { fusion } = fixture.pruning ?? {};
        const before = fusion === undefined ? 'block_3' : fusion ? 'fusion' : 'router_3';
        near(inner(model, before)[0], train['last_block_in'], 'last block in');
        near(inner(model, before)[0], fixture.eval['last_block_in'], 'last block in at inference');
      });
    });

    it('in the choice of tokens', () => {
      withVit(fixture, (model) => {
        const orders = pruningRates.map((_, i) => {
          const [kept, pruned, order, attention] = inner(model, `router_${i}`) as [
            tf.Tensor,
            tf.Tensor,
            tf.Tensor,
            tf.Tensor,
          ];
          expect(pruned.shape[1]).toBe(pruningRates[i]);
          expect(kept.shape[1]).toBe(train[`cropr_${i}_kept_token_ids`]?.shape[1]);
          const scores = decode(train[`cropr_${i}_scores_with_cls_inf`] as Recorded);
          const patches = (x: tf.Tensor): tf.Tensor => tf.slice(x, [0, 1], [2, (x.shape[1] as number) - 1]);
          const expected = patches(toTensor(scores));
          const received = patches(tf.sum(attention, [1, 2]));
          expectNear(
            received,
            { shape: expected.shape, values: expected.dataSync() },
            TOLERANCE,
            `${name} scores ${i}`,
          );
          expect(Array.from(order.dataSync())).toEqual(train[`cropr_${i}_sort_idx`]?.int32);
          return order.arraySync() as number[][];
        });
        tokenIds(orders, pruningRates).forEach(({ kept, pruned }, i) => {
          expect(kept.flat()).toEqual(train[`cropr_${i}_kept_token_ids`]?.int32);
          expect(pruned.flat()).toEqual(train[`cropr_${i}_pruned_token_ids`]?.int32);
        });
        expect(model.layers.filter((layer) => layer.name.startsWith('router_'))).toHaveLength(pruningRates.length);
      });
    });

    it('in logits and losses, with class labels and with soft targets', () => {
      withVit(fixture, (model) => {
        const [main, ...aux] = outputsOf(model, images(fixture), true);
        near(main, train['main_logits'], 'main');
        expect(aux).toHaveLength(pruningRates.length);
        aux.forEach((logits, i) => {
          near(logits, train[`aux_logits_${i}`], `aux ${i}`);
        });
        const hard = lossesOf(model, images(fixture), oneHotTargets(fixture));
        near(tf.stack(hard), train['losses_ce'], 'losses');
        near(tf.addN(hard), train['total_loss_ce'], 'total loss');
        const soft = lossesOf(model, images(fixture), toTensor(decode(fixture.inputs.soft_target)));
        near(tf.stack(soft), train['losses_soft_target'], 'soft losses');
      });
    });

    it('at inference', () => {
      withVit(fixture, (model) => {
        const predicted = model.predict(images(fixture)) as tf.Tensor | tf.Tensor[];
        near(Array.isArray(predicted) ? predicted[0] : predicted, fixture.eval['logits'], 'logits');
      });
    });

    it('in the gradient of the total loss, for every weight by name', () => {
      withVit(fixture, (model) => {
        const loss = (): tf.Tensor => tf.addN(lossesOf(model, images(fixture), oneHotTargets(fixture)));
        const weights = modelWeights(model);
        const { value, gradients } = gradientsOf(loss, weights);
        expect(value).toBeCloseTo(decode(train['total_loss_ce'] as Recorded).values[0] as number, 4);
        const expected = ourWeights(fixture.grads_total_loss);
        // Of the unpruned model only some gradients were recorded.
        if (fixture.pruning) expect([...expected.keys()].sort()).toEqual(weights.map(({ key }) => key).sort());
        for (const [key, gradient] of expected) expectNear(gradients.get(key), gradient, TOLERANCE, `${name} ${key}`);
      });
    });
  });

  describe.each(['vit_cls_llf', 'vit_cls_nollf'] as const)('%s keeps the losses apart, exactly', (name) => {
    const fixture = vitFixtures[name];
    const ofTheModule = (key: string): boolean => /^(router|aux)_/.test(key);

    it.each([
      ['the main loss moves no weight of a module', 'main'],
      ['the aux losses move no weight of the backbone', 'aux'],
    ] as const)('%s', (_, part) => {
      withVit(fixture, (model) => {
        const weights = modelWeights(model);
        const { gradients } = gradientsOf(() => {
          const [main, ...aux] = lossesOf(model, images(fixture), oneHotTargets(fixture)) as [
            tf.Tensor,
            ...tf.Tensor[],
          ];
          return part === 'main' ? main : tf.addN(aux);
        }, weights);
        for (const { key } of weights) {
          if (ofTheModule(key) === (part === 'main')) expectNoGradient(gradients.get(key), key);
          else expect(tf.max(tf.abs(gradients.get(key) as tf.Tensor)).dataSync()[0], key).toBeGreaterThan(0);
        }
      });
    });
  });
});
