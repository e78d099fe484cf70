import { add, mul } from '@tensorflow/tfjs-core';
import { type Json, TrainingCallback } from '../core/callback.js';
import { argumentError, requireBoolean, requireNumber } from '../core/checks.js';
import { nearest } from '../core/layer_selection.js';
import { getLearningRate } from '../core/learning_rate.js';
import { type ModelWeight, modelWeights } from '../core/model_weights.js';
import { hookOptimizer, type OptimizerHook } from '../core/optimizer_hook.js';

/** Options of {@link WeightDecay}. */
export interface WeightDecayConfig {
  /** Share of a weight that is lost per unit of learning rate (decoupled), or factor of the L2 gradient (coupled). */
  rate: number;
  /** As in AdamW (true) or added to the gradient, as torch's SGD and Adam do (false). Default true. */
  decoupled?: boolean;
  /**
   * Weights that do not decay, beside the vectors: names (of a layer, of a weight such as `'bias'`, or
   * `'layer/weight'`), or a predicate.
   */
  exempt?: readonly string[] | ((layer: string, weight: string) => boolean);
  /** Exempt weights of rank 0 and 1 (biases, normalisation). Default true. */
  exemptVectors?: boolean;
}

/**
 * A callback that lets the trainable weights decay, as AdamW does.
 *
 * Decoupled (the default), each step takes `rate * learningRate` of a weight's old value off it, beside what the
 * optimizer does; the learning rate is that of the step, the scale of a {@link LayerwiseLearningRate} included. So
 * `tf.train.adam` becomes torch's AdamW. Coupled, `rate * weight` is added to the gradient before the optimizer sees it,
 * after any clipping.
 *
 * It acts within the optimizer step in `fit` and `fitDataset`, keeps the optimizer's slots as they are, does not change
 * the reported loss (a `kernelRegularizer` would), skips weights that are frozen or have no part in the loss, and
 * reports `weightDecay/rate`. A {@link SEALAnnealer} switches it off for what ascends. The order among callbacks does not matter. The optimizer is left as it was when training
 * ends or throws.
 *
 * Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2, in torch's form (the
 * learning rate multiplies the decay).
 *
 * @throws At construction for options out of range; in `fit` for a name in `exempt` that no weight has.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { WeightDecay } from 'tfjs-llf';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ name: 'out', units: 1, inputShape: [2] })] });
 * model.compile({ optimizer: tf.train.adam(1e-3), loss: 'meanSquaredError' });
 * await model.fit(tf.ones([8, 2]), tf.zeros([8, 1]), { verbose: 0, callbacks: [new WeightDecay({ rate: 0.05 })] });
 * ```
 */
export class WeightDecay extends TrainingCallback {
  override readonly name = 'weightDecay';
  private readonly rate: number;
  private readonly decoupled: boolean;
  private readonly exempt: NonNullable<WeightDecayConfig['exempt']>;
  private readonly exemptVectors: boolean;

  constructor({ rate, decoupled = true, exempt = [], exemptVectors = true }: WeightDecayConfig) {
    super();
    const owner = 'WeightDecay';
    this.rate = requireNumber(owner, 'rate', rate, 0);
    this.decoupled = requireBoolean(owner, 'decoupled', decoupled);
    this.exemptVectors = requireBoolean(owner, 'exemptVectors', exemptVectors);
    if (typeof exempt !== 'function' && !Array.isArray(exempt)) {
      throw argumentError(owner, 'exempt', 'a list of names or a predicate', exempt);
    }
    this.exempt = exempt;
  }

  override getConfig(): { readonly [key: string]: Json } {
    const exempt = typeof this.exempt === 'function' ? 'a predicate' : this.exempt;
    return { rate: this.rate, decoupled: this.decoupled, exempt, exemptVectors: this.exemptVectors };
  }

  protected override started(): void {
    const { optimizer } = this.model;
    const decaying = this.decayingKeys();
    const { rate } = this;
    const hook: OptimizerHook = this.decoupled
      ? { decay: ({ key }) => (decaying.has(key) ? rate * getLearningRate(optimizer) : 0) }
      : {
          penalize: ({ key, variable }, gradient, factor) =>
            decaying.has(key) && rate * factor !== 0 ? add(gradient, mul(variable, rate * factor)) : gradient,
        };
    this.undoLater(hookOptimizer(optimizer, this.model, hook));
  }

  protected override epochEnded(_epoch: number, log: (key: string, value: number) => void): void {
    log('weightDecay/rate', this.rate);
  }

  private decayingKeys(): Set<string> {
    const weights = modelWeights(this.model);
    const isExempt = this.exemption(weights);
    return new Set(weights.filter((weight) => !isExempt(weight)).map(({ key }) => key));
  }

  private exemption(weights: readonly ModelWeight[]): (weight: ModelWeight) => boolean {
    const { exempt } = this;
    const isVector = ({ variable }: ModelWeight): boolean => this.exemptVectors && variable.rank <= 1;
    if (typeof exempt === 'function') return (weight) => isVector(weight) || exempt(weight.layer, weight.name);
    const namesOf = ({ layer, name }: ModelWeight): string[] => [layer, name, `${layer}/${name}`];
    const known = weights.flatMap(namesOf);
    exempt.forEach((name, i) => {
      if (known.includes(name)) return;
      const hint = nearest(name, known).map((candidate) => `"${candidate}"`);
      throw argumentError('WeightDecay', `exempt[${i}]`, `the name of a layer or weight (nearest: ${hint})`, name);
    });
    return (weight) => isVector(weight) || namesOf(weight).some((name) => exempt.includes(name));
  }
}
