import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { ModelWeight } from '../../src/core/model_weights.js';
import { poolByAttention } from '../../src/cropr/aggregation.js';
import { AuxHead } from '../../src/cropr/aux_head_layer.js';
import { CroprPruner } from '../../src/cropr/cropr_pruner_layer.js';
import { foldedScores, scoresOf } from '../../src/cropr/scoring.js';
import { segmentationLoss } from '../../src/cropr-dense/segmentation_loss.js';
import { takeTokens } from '../../src/ops/gather_tokens.js';
import {
  assignWeights,
  decode,
  expectNear,
  gradientsOf,
  ourWeights,
  type RecordedGroup,
  recorded,
  TOLERANCE,
  weightsOf,
} from '../cropr/golden.js';
import fixture from '../fixtures/cropr/module_segm_n16.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';

const { inputs, train }: { inputs: RecordedGroup; train: RecordedGroup } = fixture;

onEachBackend(() => {
  describe('the segmentation module, one query per cell, equals the authors’', () => {
    const near = (received: tf.Tensor | undefined, group: RecordedGroup, key: string, tolerance = TOLERANCE): void =>
      expectNear(received, decode(group[key] as RecordedGroup[string]), tolerance, key);
    const whole = (received: tf.Tensor | undefined, key: string): void =>
      expect(Array.from(received?.dataSync() ?? []), key).toEqual(train[key]?.int32);

    /** Runs the body with the recorded module and gives all its memory back. */
    const withModule = (
      body: (module: {
        route: () => tf.Tensor[];
        aux: (attention: tf.Tensor) => tf.Tensor;
        router: CroprPruner;
        weights: ModelWeight[];
      }) => void,
    ): void => {
      tf.engine().startScope();
      const router = new CroprPruner({ ...fixture.pruner, name: 'router' });
      const head = new AuxHead({ ...fixture.head, name: 'aux' });
      const route = (): tf.Tensor[] => router.apply([recorded(inputs, 'x'), recorded(inputs, 'idx')]) as tf.Tensor[];
      const aux = (attention: tf.Tensor): tf.Tensor => head.apply([recorded(inputs, 'x'), attention]) as tf.Tensor;
      aux(route()[3] as tf.Tensor);
      const weights = weightsOf([router, head]);
      assignWeights(weights, ourWeights(fixture.weights, true));
      try {
        body({ route, aux, router, weights });
      } finally {
        for (const { variable } of weights) variable.dispose();
        tf.engine().endScope();
      }
    };

    it('in logits, order, routed tokens and ids; positions travel with the tokens', () => {
      withModule(({ route }) => {
        const [kept, pruned, order, attention, keptIds, prunedIds] = route() as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        near(attention, train, 'attn_logits');
        near(scoresOf(attention), train, 'scores', 4 * TOLERANCE);
        whole(order, 'sort_idx');
        near(kept, train, 'x_keep');
        near(pruned, train, 'x_pruned');
        whole(keptIds, 'idx_keep');
        whole(prunedIds, 'idx_pruned');
        // The authors carry each patch's positions along; ours are found by the place that the order names.
        const patch = (places: tf.Tensor): tf.Tensor => takeTokens(recorded(inputs, 'pos'), tf.sub(places, 1).toInt());
        near(patch(tf.slice(order, [0, 1], [2, 11])), train, 'pos_keep');
        near(patch(tf.slice(order, [0, 12], [2, 5])), train, 'pos_pruned');
      });
    });

    it('in pooled tokens, aux logits, loss with ignored cells, and its gradients by name', () => {
      withModule(({ route, aux, weights }) => {
        const attention = route()[3] as tf.Tensor;
        near(poolByAttention(attention, recorded(inputs, 'x')), train, 'x_aggr_before_mlp');
        near(aux(attention), train, 'aux_logits');
        const cells = tf.reshape(recorded(inputs, 'target_grid'), [2, 16]).toInt();
        const targets = tf.oneHot(cells, 5).toFloat();
        const loss = (): tf.Tensor => segmentationLoss()(targets, aux(route()[3] as tf.Tensor));
        near(loss(), train, 'aux_loss_ce');
        const { gradients } = gradientsOf(loss, weights);
        const expected = ourWeights(fixture.grads_aux, true);
        expect([...expected.keys()].sort()).toEqual([...gradients.keys()].sort());
        for (const [key, gradient] of expected) expectNear(gradients.get(key), gradient, TOLERANCE, key);
      });
    });

    it('at inference, from the folded query', () => {
      withModule(({ router }) => {
        const folded = router.foldedQuery();
        near(folded, fixture.eval, 'qbar');
        near(foldedScores(recorded(inputs, 'x'), folded), fixture.eval, 'scores_folded', 4 * TOLERANCE);
      });
    });
  });
});
