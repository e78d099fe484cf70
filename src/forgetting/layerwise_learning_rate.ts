import { type Json, TrainingCallback } from '../core/callback.js';
import { argumentError } from '../core/checks.js';
import { getLearningRate } from '../core/learning_rate.js';
import { modelWeights } from '../core/model_weights.js';
import { hookOptimizer } from '../core/optimizer_hook.js';
import { trainedWeights } from '../core/optimizer_state.js';

/** Options of {@link LayerwiseLearningRate}. */
export interface LayerwiseLearningRateConfig {
  /**
   * Factor of the learning rate of a weight, from the name of its layer (`outer/inner` in a nested model) and its short
   * name (`'kernel'`). 1 changes nothing, 0 holds the weight still.
   */
  scale: (layer: string, weight: string) => number;
}

/**
 * A callback that gives each weight a learning rate of its own: a factor of the optimizer's.
 *
 * It scales the *update*, not the gradient (which Adam would normalise away): `new = old + scale * (updated - old)`.
 * That equals a learning rate of `scale * learningRate` for every tfjs optimizer, whose steps are proportional to it,
 * and scales a decoupled {@link WeightDecay} too, as parameter groups do in torch. Slots see the plain gradient.
 *
 * The factors are asked for once, when training begins, for every weight of the model. It acts within the optimizer step
 * in `fit` and `fitDataset`, and reports the smallest rate of a weight that is trained, by its own factors, as
 * `layerwiseLearningRate/smallest`. The order among callbacks does not matter;
 * the factors of two such callbacks multiply. The optimizer is left as it was when training ends or throws.
 *
 * Source: layer-wise decay of the learning rate in the recipe of Bergner et al., "Token Cropr" (after BEiT): see
 * {@link layerDecay}.
 *
 * @throws At construction if `scale` is no function; in `fit` if it returns something else than a finite number.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { LayerwiseLearningRate } from 'tfjs-llf';
 *
 * const model = tf.sequential({
 *   layers: [
 *     tf.layers.dense({ name: 'body', units: 4, inputShape: [2] }),
 *     tf.layers.dense({ name: 'head', units: 1 }),
 *   ],
 * });
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
 * const slowBody = new LayerwiseLearningRate({ scale: (layer) => (layer === 'body' ? 0.1 : 1) });
 * await model.fit(tf.ones([8, 2]), tf.zeros([8, 1]), { verbose: 0, callbacks: [slowBody] });
 * ```
 */
export class LayerwiseLearningRate extends TrainingCallback {
  override readonly name = 'layerwiseLearningRate';
  private readonly scale: LayerwiseLearningRateConfig['scale'];
  private smallest = 1;

  constructor({ scale }: LayerwiseLearningRateConfig) {
    super();
    if (typeof scale !== 'function') throw argumentError('LayerwiseLearningRate', 'scale', 'a function', scale);
    this.scale = scale;
  }

  override getConfig(): { readonly [key: string]: Json } {
    return {};
  }

  protected override started(): void {
    const factors = new Map(modelWeights(this.model).map(({ key, layer, name }) => [key, this.factor(layer, name)]));
    this.smallest = Math.min(...trainedWeights(this.model).map(({ key }) => factors.get(key) ?? 1));
    const scale = ({ key }: { key: string }): number => factors.get(key) ?? 1;
    this.undoLater(hookOptimizer(this.model.optimizer, this.model, { scale }));
  }

  protected override epochEnded(_epoch: number, log: (key: string, value: number) => void): void {
    log('layerwiseLearningRate/smallest', this.smallest * getLearningRate(this.model.optimizer));
  }

  private factor(layer: string, weight: string): number {
    const factor = this.scale(layer, weight);
    if (Number.isFinite(factor)) return factor;
    throw argumentError('LayerwiseLearningRate', `scale("${layer}", "${weight}")`, 'a finite number', factor);
  }
}
