import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { ModelWeight } from '../../src/core/model_weights.js';
import { perceptron, poolByAttention } from '../../src/cropr/aggregation.js';
import { AuxHead } from '../../src/cropr/aux_head_layer.js';
import { CroprPruner } from '../../src/cropr/cropr_pruner_layer.js';
import { foldedScores, scoresOf } from '../../src/cropr/scoring.js';
import { crossEntropy } from '../../src/forgetting/cross_entropy.js';
import { layerNorm } from '../../src/ops/layer_norm.js';
import { linear } from '../../src/ops/linear.js';
import mha from '../fixtures/cropr/module_cls_mha.json' with { type: 'json' };
import n1 from '../fixtures/cropr/module_cls_n1.json' with { type: 'json' };
import n1WithoutMlp from '../fixtures/cropr/module_cls_n1_nomlp.json' with { type: 'json' };
import n4 from '../fixtures/cropr/module_cls_n4.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import {
  assignWeights,
  decode,
  expectNear,
  expectNoGradient,
  gradientsOf,
  ourWeights,
  type RecordedGroup,
  recorded,
  TOLERANCE,
  weightsOf,
} from './golden.js';

interface ModuleFixture {
  pruner: ConstructorParameters<typeof CroprPruner>[0];
  head: ConstructorParameters<typeof AuxHead>[0];
  inputs: RecordedGroup;
  weights: RecordedGroup;
  train: RecordedGroup;
  eval: RecordedGroup;
  grads_aux: RecordedGroup;
  grads_main_surrogate: RecordedGroup;
}

const fixtures: Readonly<Record<string, ModuleFixture>> = {
  module_cls_n1: n1,
  module_cls_n1_nomlp: n1WithoutMlp,
  module_cls_n4: n4,
  module_cls_mha: mha,
};

/** A router and its aux head with the recorded weights. */
class Module {
  readonly router: CroprPruner;
  readonly head: AuxHead;
  readonly weights: ModelWeight[];

  constructor(readonly fixture: ModuleFixture) {
    this.router = new CroprPruner({ ...fixture.pruner, name: 'router' });
    this.head = new AuxHead({ ...fixture.head, name: 'aux' });
    this.aux(this.tokens());
    this.weights = weightsOf([this.router, this.head]);
    assignWeights(this.weights, ourWeights(fixture.weights, true));
  }

  tokens(): tf.Tensor {
    return recorded(this.fixture.inputs, 'x');
  }

  route(tokens: tf.Tensor): { kept: tf.Tensor; pruned: tf.Tensor; order: tf.Tensor; rest: tf.Tensor[] } {
    const [kept, pruned, order, ...rest] = this.router.apply(tokens) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return { kept, pruned, order, rest };
  }

  /** Logits of the aux head; a pre-norm router hands it the normalised tokens. */
  aux(tokens: tf.Tensor): tf.Tensor {
    const [attention, normalized] = this.route(tokens).rest as [tf.Tensor, tf.Tensor | undefined];
    return this.head.apply([normalized ?? tokens, attention]) as tf.Tensor;
  }

  auxLoss(tokens: tf.Tensor): tf.Tensor {
    const targets = tf.oneHot(recorded(this.fixture.inputs, 'target').toInt(), this.head.options.units);
    return tf.mean(crossEntropy()(targets, this.aux(tokens)));
  }

  mainLoss(tokens: tf.Tensor): tf.Tensor {
    const { kept, pruned } = this.route(tokens);
    const { inputs } = this.fixture;
    return tf.add(
      tf.sum(tf.mul(kept, recorded(inputs, 'grad_w_keep'))),
      tf.sum(tf.mul(pruned, recorded(inputs, 'grad_w_pruned'))),
    );
  }

  value(key: string): tf.Tensor {
    const weight = this.weights.find((one) => one.key === key);
    if (!weight) throw new Error(`No weight ${key}.`);
    return weight.variable;
  }

  /** What scorer and aggregator see. */
  scored(): tf.Tensor {
    const tokens = this.tokens();
    return this.router.options.preNorm
      ? layerNorm(tokens, this.value('router/gamma'), this.value('router/beta'), 1e-6)
      : tokens;
  }

  /** The pooled tokens before and after the perceptron. */
  pooled(): { before: tf.Tensor; after: tf.Tensor } {
    const scored = this.scored();
    const values = this.head.options.valueProjection ? linear(scored, this.value('aux/valueKernel')) : scored;
    const [attention] = this.route(this.tokens()).rest as [tf.Tensor];
    let before = poolByAttention(attention, values);
    if (this.head.options.heads > 1) before = linear(before, this.value('aux/projKernel'), this.value('aux/projBias'));
    if (this.head.options.mlpRatio === 0) return { before, after: before };
    const after = perceptron(before, {
      mlpGamma: this.value('aux/mlpGamma'),
      mlpBeta: this.value('aux/mlpBeta'),
      fc1Kernel: this.value('aux/fc1Kernel'),
      fc1Bias: this.value('aux/fc1Bias'),
      fc2Kernel: this.value('aux/fc2Kernel'),
      fc2Bias: this.value('aux/fc2Bias'),
    });
    return { before, after: tf.add(before, after) };
  }
}

/** Runs the body with the module of a fixture and gives all its memory back. */
function withModule(fixture: ModuleFixture, body: (module: Module) => void): void {
  tf.engine().startScope();
  const module = new Module(fixture);
  try {
    body(module);
  } finally {
    for (const { variable } of module.weights) variable.dispose();
    tf.engine().endScope();
  }
}

onEachBackend(() => {
  describe.each(Object.entries(fixtures))('%s equals the authors’ module', (name, fixture) => {
    const near = (
      received: tf.Tensor | null | undefined,
      group: RecordedGroup,
      key: string,
      shape?: number[],
    ): void => {
      const expected = decode(group[key] as RecordedGroup[string]);
      expectNear(received, shape ? { shape, values: expected.values } : expected, TOLERANCE, `${name} ${key}`);
    };

    it('in logits, scores, order and routed tokens', () => {
      withModule(fixture, (module) => {
        const { kept, pruned, order, rest } = module.route(module.tokens());
        const attention = rest[0] as tf.Tensor;
        near(attention, fixture.train, 'attn_logits');
        near(scoresOf(attention), fixture.train, 'scores');
        expect(order.dtype).toBe('int32');
        expect(Array.from(order.dataSync())).toEqual(fixture.train['sort_idx']?.int32);
        const keep = kept.shape[1] as number;
        const [front, back] = tf.split(order, [keep, pruned.shape[1] as number], 1) as [tf.Tensor, tf.Tensor];
        expect(Array.from(front.dataSync())).toEqual(fixture.train['keep_idx']?.int32);
        expect(Array.from(back.dataSync())).toEqual(fixture.train['pruned_idx']?.int32);
        near(kept, fixture.train, 'x_keep');
        near(pruned, fixture.train, 'x_pruned');
      });
    });

    it('in pooled tokens, aux logits and losses', () => {
      withModule(fixture, (module) => {
        const { before, after } = module.pooled();
        const recordedPool = decode(fixture.train['x_aggr'] as RecordedGroup[string]);
        const squeezed = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [...recordedPool.shape]);
        if (fixture.train['x_aggr_before_mlp']) near(squeezed(before), fixture.train, 'x_aggr_before_mlp');
        near(squeezed(after), fixture.train, 'x_aggr');
        const logits = module.aux(module.tokens());
        near(logits, fixture.train, 'aux_logits');
        near(module.auxLoss(module.tokens()), fixture.train, 'aux_loss_ce');
        if (!fixture.train['aux_loss_bce_multilabel']) return;
        const labels = recorded(fixture.inputs, 'multilabel_target');
        near(tf.losses.sigmoidCrossEntropy(labels, logits), fixture.train, 'aux_loss_bce_multilabel');
      });
    });

    it('in the gradient of the aux loss, for every weight by name', () => {
      withModule(fixture, (module) => {
        const { gradients } = gradientsOf(() => module.auxLoss(module.tokens()), module.weights);
        const expected = ourWeights(fixture.grads_aux, true);
        expect([...gradients.keys()].sort()).toEqual([...expected.keys()].sort());
        for (const [key, gradient] of expected) expectNear(gradients.get(key), gradient, TOLERANCE, `${name} ${key}`);
      });
    });

    it('in the gradient of the main loss for the tokens', () => {
      withModule(fixture, (module) => {
        const gradient = tf.grad((x) => module.mainLoss(x))(module.tokens());
        near(gradient, fixture.grads_main_surrogate, 'x');
      });
    });

    it('in isolation: the aux loss gives the tokens nothing, the main loss gives the module nothing, exactly', () => {
      withModule(fixture, (module) => {
        const touch = (x: tf.Tensor): tf.Tensor => tf.mul(tf.sum(x), 0);
        const toTokens = tf.grad((x) => tf.add(module.auxLoss(x), touch(x)))(module.tokens());
        expectNoGradient(toTokens, 'tokens');
        const used = tf.variable(module.tokens());
        const { grads } = tf.variableGrads(
          () => module.mainLoss(used).asScalar(),
          [used, ...module.weights.map(({ variable }) => variable)],
        );
        expect(tf.max(tf.abs(grads[used.name] as tf.Tensor)).dataSync()[0]).toBeGreaterThan(0.1);
        for (const { key, variable } of module.weights) expectNoGradient(grads[variable.name], key);
        used.dispose();
      });
    });

    it('at inference, from the folded query', () => {
      withModule(fixture, (module) => {
        const folded = module.router.foldedQuery();
        near(folded, fixture.eval, 'qbar');
        near(foldedScores(module.scored(), folded), fixture.eval, 'scores_folded');
        near(foldedScores(module.scored(), folded), fixture.train, 'scores');
        const lean = new CroprPruner({ ...fixture.pruner, returnAttention: false, name: 'router' });
        lean.build(module.tokens().shape);
        lean.setWeights(module.router.getWeights());
        const outputs = lean.apply(module.tokens()) as tf.Tensor[];
        expect(outputs).toHaveLength(3);
        near(outputs[0], fixture.train, 'x_keep');
        near(outputs[1], fixture.train, 'x_pruned');
        expect(Array.from((outputs[2] as tf.Tensor).dataSync())).toEqual(fixture.train['sort_idx']?.int32);
        for (const { variable } of weightsOf([lean])) variable.dispose();
      });
    });
  });
});
