import { div, type Optimizer, sub, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { argumentError, requireBoolean, requireInteger, requireNumber } from '../core/checks.js';
import { type LayerSelection, selectLayers } from '../core/layer_selection.js';
import { layerWeights } from '../core/model_weights.js';
import { hookOptimizer } from '../core/optimizer_hook.js';
import { trainedWeights } from '../core/optimizer_state.js';
import { type GenerationConfig, generationOf, requireGenerations } from './generations.js';
import { globalNorm } from './gradient_clip.js';

/** Which weights ascend, and how. */
export interface AscentConfig {
  /**
   * The early layers: the name of a layer (all before it, from input to output), a list of names, or a predicate. A
   * layer in a nested model goes by `outer/inner`; the name of a nested model stands for all in it.
   */
  early: LayerSelection;
  /** Length of the reflected update, as a share of the optimizer's own. Default 0.01. */
  ascentScale?: number;
  /** Factor of a `WeightDecay` on what ascends: 0 switches it off, negative shrinks, positive blows up. Default 0. */
  ascentWeightDecay?: number;
  /** Let all other layers ascend instead of the early ones (an ablation). Default false. */
  reverse?: boolean;
  /** Hold still what does not ascend (an ablation). Default false. */
  freezeOthers?: boolean;
}

/** Options of {@link sealSchedule}. */
export interface SealScheduleOptions extends Pick<GenerationConfig, 'generations' | 'epochsPerGeneration'> {
  /** Epochs of ascent at the start of each generation but the first, below `epochsPerGeneration`. */
  ascentEpochs: number;
}

/** What SEAL does in an epoch. */
export interface SealPhase {
  /** From 0. */
  readonly generation: number;
  /** Whether the early layers ascend. */
  readonly ascends: boolean;
  /** Whether the optimizer forgets its momenta before this epoch. */
  readonly clears: boolean;
}

/**
 * SEAL's phase in each epoch: a function of the absolute epoch, pure.
 *
 * In every generation but the first, epochs 0 to `ascentEpochs - 1` ascend, and the optimizer forgets before epoch 0
 * and before epoch `ascentEpochs`.
 *
 * Source: Sarfi et al., SEAL (2023), as published. Their code takes fractions too and then never starts the optimizer
 * afresh; here that is an error.
 *
 * @throws If an option is not an integer in its range.
 *
 * @example
 * ```ts
 * import { sealSchedule } from 'tfjs-llf';
 *
 * const phaseOf = sealSchedule({ generations: 2, epochsPerGeneration: 4, ascentEpochs: 1 });
 * console.log([3, 4, 5].map((epoch) => phaseOf(epoch).ascends)); // false, true, false
 * ```
 */
export function sealSchedule(options: SealScheduleOptions): (epoch: number) => SealPhase {
  return sealPhases('sealSchedule', options);
}

/** {@link sealSchedule}, in the name of `owner`. */
export function sealPhases(owner: string, options: SealScheduleOptions): (epoch: number) => SealPhase {
  const { epochsPerGeneration } = requireGenerations(owner, options);
  const ascent = requireInteger(owner, 'ascentEpochs', options.ascentEpochs, 0, epochsPerGeneration - 1);
  return (epoch) => {
    const { generation, within } = generationOf(epoch, epochsPerGeneration);
    const later = generation > 0;
    return {
      generation,
      ascends: later && within < ascent,
      clears: later && (within === 0 || within === ascent),
    };
  };
}

/** Checks the options and fills in the defaults. */
export function requireAscent(owner: string, config: AscentConfig): Required<AscentConfig> {
  return {
    early: config.early,
    ascentScale: requireNumber(owner, 'ascentScale', config.ascentScale ?? 0.01, 0),
    ascentWeightDecay: requireNumber(owner, 'ascentWeightDecay', config.ascentWeightDecay ?? 0),
    reverse: requireBoolean(owner, 'reverse', config.reverse ?? false),
    freezeOthers: requireBoolean(owner, 'freezeOthers', config.freezeOthers ?? false),
  };
}

/**
 * The variables of the trained weights that ascend.
 *
 * Throws for unknown names, and if no trained weight or every one would be early.
 */
export function ascending(owner: string, model: LayersModel, config: Required<AscentConfig>): Set<Variable> {
  const { early, reverse } = config;
  const layers = selectLayers(model, typeof early === 'string' ? { before: early } : early, owner, 'early');
  const chosen = new Set(layers.flatMap(layerWeights).map(({ variable }) => variable));
  const trained = trainedWeights(model).map(({ variable }) => variable);
  const [inside, outside] = [true, false].map((is) => trained.filter((variable) => chosen.has(variable) === is));
  if (!inside?.length) throw argumentError(owner, 'early', 'a selection with at least one trained weight', early);
  if (!outside?.length) throw argumentError(owner, 'early', 'a selection that leaves a trained weight out', early);
  return new Set(reverse ? outside : inside);
}

/** Length of the way from some weights to others, over the length of the first, as a scalar. */
export function relativeChange(now: readonly Tensor[], before: readonly Tensor[]): Tensor {
  return tidy(() => div(globalNorm(now.map((weight, i) => sub(weight, before[i] as Tensor))), globalNorm(before)));
}

/**
 * Lets the early layers climb the loss from the next optimizer step on, and returns what ends it.
 *
 * For custom loops; {@link SEALAnnealer} does it in `fit`. The *update* of an early weight is reflected, `new = old -
 * ascentScale * (updated - old)`, whatever the optimizer: for SGD that is a negative learning rate, and Adam, which
 * would undo a factor of the gradient, climbs too. The optimizer's slots see the plain gradient. Other weights go on as
 * they did. Acts within `optimizer.applyGradients`; nothing else changes.
 *
 * Source: Sarfi et al., SEAL (2023).
 *
 * @throws For options out of range, an unknown layer, or an early set that holds none or all of the trained weights.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { ascend } from 'tfjs-llf';
 *
 * const model = tf.sequential({
 *   layers: [
 *     tf.layers.dense({ name: 'body', units: 4, inputShape: [2] }),
 *     tf.layers.dense({ name: 'head', units: 1 }),
 *   ],
 * });
 * const optimizer = tf.train.sgd(0.1);
 * const descend = ascend(optimizer, model, { early: 'head', ascentScale: 0.5 });
 * optimizer.minimize(() => tf.mean(tf.square(model.apply(tf.ones([8, 2])) as tf.Tensor)));
 * descend();
 * ```
 */
export function ascend(optimizer: Optimizer, model: LayersModel, config: AscentConfig): () => void {
  const options = requireAscent('ascend', config);
  return hookAscent(optimizer, model, options, ascending('ascend', model, options));
}

/** {@link ascend}, with everything checked; acts while `active` says so. */
export function hookAscent(
  optimizer: Optimizer,
  model: LayersModel,
  { ascentScale, ascentWeightDecay, freezeOthers }: Required<AscentConfig>,
  climbing: ReadonlySet<Variable>,
  active: () => boolean = () => true,
): () => void {
  const others = freezeOthers ? 0 : 1;
  return hookOptimizer(optimizer, model, {
    decayFactor: ({ variable }) => (active() && climbing.has(variable) ? ascentWeightDecay : 1),
    scale: ({ variable }) => (active() ? (climbing.has(variable) ? -ascentScale : others) : 1),
  });
}
