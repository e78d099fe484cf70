import type { LayersModel } from '@tensorflow/tfjs-layers';
import { requireBoolean, requireNumber, requireOneOf } from '../core/checks.js';
import type { LayerSelection } from '../core/layer_selection.js';
import type { Layer } from '../core/model_weights.js';
import { isKernel, type ReinitLaw } from '../core/reinitialize.js';
import { type KeptChannels, keptChannels } from './kept_channels.js';
import { kelsMask, welsMask } from './masks.js';
import { type ForgetOperation, type MaskTarget, maskedOperation } from './operation.js';

/** Options of {@link knowledgeEvolution}. */
export interface KnowledgeEvolutionOptions {
  /** Share of the weights (`'wels'`) or channels (`'kels'`) that the fit hypothesis holds, in (0, 1]. Default 0.5. */
  splitRate?: number;
  /** Split by weight, at random, or by kernel: the first channels. Default `'wels'`. */
  mode?: 'wels' | 'kels';
  /** Draw another split at every forgetting (`'wels'`). Default false. */
  resetHypothesis?: boolean;
  /** What becomes of the reset hypothesis: a new draw, or zeros. Default `'reinit'`. */
  dropped?: 'reinit' | 'zero';
  /** The law of the new values; see {@link ReinitLaw}. Default `'official'`. */
  reinit?: ReinitLaw;
  /** The layers that are split. Default: all. */
  layers?: LayerSelection;
  /** Split the features that a dense layer reads from the input, too, as the authors' code does. Default false. */
  splitInputs?: boolean;
}

/** The mask of one kernel by kernel level. */
export function kernelMask({ weight }: Pick<MaskTarget, 'weight'>, { inputs, outputs }: KeptChannels): Uint8Array {
  const { shape } = weight.variable;
  // A depthwise kernel's last axes are the channels that it reads, and how many it makes of each.
  const each = new Uint8Array(shape[shape.length - 1] as number).fill(1);
  return weight.name.startsWith('depthwise') ? kelsMask(shape, inputs, each) : kelsMask(shape, inputs, outputs);
}

/**
 * The operation of Knowledge Evolution: a part of every kernel, the fit hypothesis, stays; the rest is drawn anew.
 *
 * For {@link ForgetRelearn} and {@link startForgetting}. Changes trained kernels; biases and norms stay. The split is made
 * at the start and stays the same, unless `resetHypothesis`. With `mode: 'kels'` the fit hypothesis is a narrower
 * network, which {@link slimModel} takes out. The optimizer forgets.
 *
 * Source: Taha et al., "Knowledge Evolution in Neural Networks" (2021), as published with Zhou et al., "Fortuitous
 * Forgetting" (2022).
 *
 * @throws For options out of range; before the first batch for an unknown layer or if no chosen weight is trained.
 *
 * @example
 * ```ts
 * import { ForgetRelearn, knowledgeEvolution } from 'tfjs-llf';
 *
 * const operation = knowledgeEvolution({ mode: 'kels', splitRate: 0.8 });
 * const callback = new ForgetRelearn({ generations: 5, epochsPerGeneration: 20, operation });
 * ```
 */
export function knowledgeEvolution(options: KnowledgeEvolutionOptions = {}): ForgetOperation {
  const name = 'knowledgeEvolution';
  const { mode = 'wels', dropped = 'reinit', reinit = 'official', layers, splitRate = 0.5 } = options;
  const { resetHypothesis = false, splitInputs = false } = options;
  requireOneOf(name, 'mode', mode, ['wels', 'kels']);
  requireOneOf(name, 'dropped', dropped, ['reinit', 'zero']);
  requireNumber(name, 'splitRate', splitRate, Number.MIN_VALUE, 1);
  requireBoolean(name, 'resetHypothesis', resetHypothesis);
  requireBoolean(name, 'splitInputs', splitInputs);
  let kept: { model: LayersModel; of: (layer: Layer) => KeptChannels } | undefined;
  return maskedOperation({
    name,
    options: { mode, splitRate, resetHypothesis, dropped, reinit, layers, splitInputs },
    layers,
    mask: (target) => {
      const { model, layer, weight, values, stream } = target;
      if (!isKernel(weight.name)) return undefined;
      if (mode === 'wels')
        return welsMask(
          values.map(() => stream.uniform()),
          splitRate,
        );
      if (kept?.model !== model) kept = { model, of: keptChannels(model, splitRate, splitInputs) };
      return kernelMask(target, kept.of(layer.layer));
    },
    when: resetHypothesis ? 'new' : 'same',
    kept: 'stay',
    dropped,
    reinit,
  });
}
