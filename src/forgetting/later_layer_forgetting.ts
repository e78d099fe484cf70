import { ForgetRelearn } from './forget_relearn.js';
import type { GenerationConfig } from './generations.js';
import { type LaterLayersOptions, laterLayersFor } from './later_layers.js';

/** Options of {@link LaterLayerForgetting}. */
export interface LaterLayerForgettingConfig extends GenerationConfig, LaterLayersOptions {
  /** Whether the optimizer forgets too. Default true. */
  resetOptimizer?: boolean;
  /** Seed of the draws. Default: a fresh one, which a checkpoint keeps. */
  seed?: number;
}

/**
 * A callback for later-layer forgetting (LLF): at the start of each generation but the first, the kernels from a layer on
 * are drawn anew, and the optimizer starts afresh.
 *
 * Give it to `fit({ epochs: generations * epochsPerGeneration })` or `fitDataset`. It acts before the first batch of a
 * generation on the trained kernels from the layer `from` on; batch norm and biases stay unless told otherwise. The
 * default law is that of the authors' code, U(-1/sqrt(fan-in), 1/sqrt(fan-in)), whatever the first law was. It does not
 * touch the learning rate: add {@link LearningRateSchedule} with `cosineWarmup({ rise: 'toPeak', restart: true })`.
 *
 * It reports `llf/generation`. Otherwise as {@link ForgetRelearn} with {@link laterLayers}. May stand beside a {@link
 * SEALAnnealer}: the authors call that `fortuitous+ascend`.
 *
 * Source: Zhou et al., "Fortuitous Forgetting in Connectionist Networks" (2022), as published.
 *
 * @throws At construction for options out of range; before the first batch for other epochs than the schedule's, an
 * unknown layer, a selection without trained weights, an optimizer whose slots cannot be found.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { cosineWarmup, LaterLayerForgetting, LearningRateSchedule } from 'tfjs-llf';
 *
 * const model = tf.sequential({
 *   layers: [
 *     tf.layers.dense({ name: 'first', units: 8, activation: 'relu', inputShape: [2] }),
 *     tf.layers.dense({ name: 'second', units: 8, activation: 'relu' }),
 *     tf.layers.dense({ name: 'head', units: 1 }),
 *   ],
 * });
 * model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
 * const [generations, epochsPerGeneration] = [3, 2];
 * const rate = cosineWarmup({ peak: 0.1, total: epochsPerGeneration, rise: 'toPeak', restart: true });
 * await model.fit(tf.randomNormal([16, 2]), tf.randomNormal([16, 1]), {
 *   epochs: generations * epochsPerGeneration,
 *   verbose: 0,
 *   callbacks: [
 *     new LearningRateSchedule(rate),
 *     new LaterLayerForgetting({ generations, epochsPerGeneration, from: 'second', seed: 1 }),
 *   ],
 * });
 * ```
 */
export class LaterLayerForgetting extends ForgetRelearn {
  constructor(config: LaterLayerForgettingConfig) {
    const { generations, epochsPerGeneration, partial, resetOptimizer, seed, ...options } = config;
    const operation = laterLayersFor('LaterLayerForgetting', options);
    super({ generations, epochsPerGeneration, partial, resetOptimizer, seed, operation });
  }

  override get name(): string {
    return 'llf';
  }

  protected override get owner(): string {
    return 'LaterLayerForgetting';
  }
}
