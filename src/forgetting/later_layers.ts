import { tidy, type Variable, zerosLike } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { requireBoolean, requireOneOf } from '../core/checks.js';
import type { LayerSelection } from '../core/layer_selection.js';
import { layerWeights, type ModelLayer, modelLayers } from '../core/model_weights.js';
import { freshValues, type ReinitLaw, reinitialize } from '../core/reinitialize.js';
import { asJson, type ForgetOperation, headLayers, selectTrained, trainedWeightsOf } from './operation.js';

/** Options of {@link laterLayers}. */
export interface LaterLayersOptions {
  /**
   * The first layer that forgets: a name stands for that layer and all after it, from input to output. Or a list of
   * names, or a predicate. A layer in a nested model goes by `outer/inner`.
   */
  from: LayerSelection;
  /** The law of the new values; see {@link ReinitLaw}. Default `'official'`. */
  reinit?: ReinitLaw;
  /** Also return every batch norm of the model to scale 1, shift 0, mean 0, variance 1. Default false. */
  resetBatchNorm?: boolean;
  /** Also set the biases of the layers that forget to zero, or to what the law draws for them. Default false. */
  resetBias?: boolean;
  /** Let the layers before forget instead (an ablation). Default false. */
  reverse?: boolean;
  /**
   * Hold weights still from the first forgetting on (ablations): those of the layers that are kept, or of those that
   * forget but for the last layer. Default `'none'`.
   */
  freeze?: 'none' | 'kept' | 'forgotten';
  /** Draw the same values at every forgetting (an ablation). Default false. */
  sameDraw?: boolean;
}

/**
 * The operation of later-layer forgetting: from a layer on, kernels are drawn anew.
 *
 * For {@link ForgetRelearn} and {@link startForgetting}; {@link LaterLayerForgetting} is it as a callback. Changes the
 * kernels of the chosen layers; batch norm and biases stay unless told otherwise, as in the authors' code, and so do
 * frozen layers. Another generation, another draw. The optimizer forgets.
 *
 * Source: Zhou et al., "Fortuitous Forgetting in Connectionist Networks" (2022).
 *
 * @throws For options out of range; before the first batch for an unknown layer or if no chosen weight is trained.
 *
 * @example
 * ```ts
 * import { ForgetRelearn, laterLayers } from 'tfjs-llf';
 *
 * const operation = laterLayers({ from: 'block_3', reinit: 'own' });
 * const callback = new ForgetRelearn({ generations: 3, epochsPerGeneration: 10, operation });
 * ```
 */
export function laterLayers(options: LaterLayersOptions): ForgetOperation {
  return laterLayersFor('laterLayers', options);
}

const isBatchNorm = ({ layer }: ModelLayer): boolean => layer.getClassName() === 'BatchNormalization';

/** {@link laterLayers}, in the name of `owner`; `head` says that only the model's last weight layers forget. */
export function laterLayersFor(owner: string, options: LaterLayersOptions, head = false): ForgetOperation {
  const { from, reinit = 'official', freeze = 'none' } = options;
  const { resetBatchNorm = false, resetBias = false, reverse = false, sameDraw = false } = options;
  const flags = { resetBatchNorm, resetBias, reverse, sameDraw };
  for (const [flag, value] of Object.entries(flags)) requireBoolean(owner, flag, value);
  requireOneOf(owner, 'freeze', freeze, ['none', 'kept', 'forgotten']);
  const split = (model: LayersModel): { forgotten: ModelLayer[]; kept: ModelLayer[] } => {
    const heads = headLayers(model);
    const last: LayerSelection = (layer) => heads.has(layer);
    const selection = head ? last : typeof from === 'string' ? { from } : from;
    const chosen = new Set(selectTrained(owner, 'from', model, selection).map(({ layer }) => layer));
    const half = (is: boolean): ModelLayer[] => modelLayers(model).filter(({ layer }) => chosen.has(layer) === is);
    return { forgotten: half(!reverse), kept: half(reverse) };
  };
  const frozen = (model: LayersModel): Set<Variable> => {
    const heads = headLayers(model);
    const { kept, forgotten } = split(model);
    const still = freeze === 'kept' ? kept : forgotten.filter(({ layer }) => !heads.has(layer));
    return new Set(still.flatMap(layerWeights).map(({ variable }) => variable));
  };
  return {
    name: owner,
    options: asJson({ from: head ? 'the last layer' : from, reinit, freeze, ...flags }),
    resetOptimizer: true,
    check: split,
    forget: ({ model, generation, seed }) => {
      const key = { seed, purpose: 'laterLayers', generation: sameDraw ? 1 : generation };
      for (const layer of split(model).forgotten) if (!isBatchNorm(layer)) redraw(layer, reinit, key, resetBias);
      if (resetBatchNorm) reinitialize(modelLayers(model).filter(isBatchNorm), 'own', key);
    },
    ...(freeze === 'none' ? {} : { frozen }),
  };
}

/** Draws the trained weights of a layer anew; biases only where they are to be reset, and then at least to zero. */
function redraw(layer: ModelLayer, law: ReinitLaw, key: Parameters<typeof freshValues>[2], resetBias: boolean): void {
  tidy(() => {
    const fresh = freshValues(layer, law, key);
    for (const { weight, place } of trainedWeightsOf(layer)) {
      const bias = /bias/i.test(weight.name);
      if (bias && !resetBias) continue;
      const value = fresh[place] ?? (bias ? zerosLike(weight.variable) : undefined);
      if (value) weight.variable.assign(value);
    }
  });
}

/**
 * The operation of RIFLE: the last weight layer is drawn anew while the rest stays, for fine-tuning.
 *
 * For {@link ForgetRelearn} and {@link startForgetting}. Options as in {@link laterLayers}; the layer (or layers, with
 * several outputs) is found. The paper lets the learning rate start over with each draw: `cosineWarmup` with `restart`.
 *
 * Source: Li et al., "RIFLE: Backpropagation in Depth for Deep Transfer Learning through Re-Initializing the
 * Fully-connected LayEr" (2020).
 *
 * @throws For options out of range; before the first batch if the last layer is not trained.
 *
 * @example
 * ```ts
 * import { ForgetRelearn, rifle } from 'tfjs-llf';
 *
 * const callback = new ForgetRelearn({ generations: 4, epochsPerGeneration: 10, operation: rifle({ resetBias: true }) });
 * ```
 */
export function rifle(options: Pick<LaterLayersOptions, 'reinit' | 'resetBias'> = {}): ForgetOperation {
  return laterLayersFor('rifle', { from: [], ...options }, true);
}

/** Options of {@link bornAgain}. */
export interface BornAgainOptions {
  /** Default: all layers. */
  layers?: LayerSelection;
  /** The law of the new values. Default `'own'`, what the layers themselves would draw, batch norm and all. */
  reinit?: ReinitLaw;
}

/**
 * The operation that forgets everything: each generation begins as a new network, as born-again networks do, or as the
 * receiver does in the ease-of-teaching game.
 *
 * For {@link ForgetRelearn} and {@link startForgetting}. Changes all weights of the layers, moving statistics too; frozen
 * layers stay. What one generation teaches the next is the loss's business.
 *
 * Source: Furlanello et al., "Born-Again Neural Networks" (2018).
 *
 * @throws Before the first batch for an unknown layer or if no chosen weight is trained.
 *
 * @example
 * ```ts
 * import { bornAgain, ForgetRelearn } from 'tfjs-llf';
 *
 * const callback = new ForgetRelearn({ generations: 2, epochsPerGeneration: 10, operation: bornAgain() });
 * ```
 */
export function bornAgain({ layers, reinit = 'own' }: BornAgainOptions = {}): ForgetOperation {
  const chosen = (model: LayersModel): ModelLayer[] => selectTrained('bornAgain', 'layers', model, layers);
  return {
    name: 'bornAgain',
    options: asJson({ layers, reinit }),
    resetOptimizer: true,
    check: chosen,
    forget: ({ model, generation, seed }) => {
      const living = chosen(model).filter((layer) => trainedWeightsOf(layer).length > 0);
      reinitialize(living, reinit, { seed, purpose: 'bornAgain', generation });
    },
  };
}
