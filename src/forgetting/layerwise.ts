import { mul, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { argumentError, requireBoolean } from '../core/checks.js';
import { selectLayers } from '../core/layer_selection.js';
import { type Layer, modelLayers } from '../core/model_weights.js';
import { freshValues, type ReinitLaw } from '../core/reinitialize.js';
import { BlockNorm } from './block_norm_layer.js';
import { asJson, type ForgetOperation, trainedWeightsOf } from './operation.js';

/** Options of {@link layerwise}. */
export interface LayerwiseOptions {
  /** The first layer of each block (or the name of a nested model), from input to output. */
  blocks: readonly string[];
  /** Scale what lies before the block back to its norm at the start. Default true. */
  rescale?: boolean;
  /** The law of the new values; see {@link ReinitLaw}. Default `'own'`: all trained weights, norms and biases too. */
  reinit?: ReinitLaw;
}

/**
 * The block from which layer-wise re-initialisation forgets: `floor(generation * blocks / generations)`, from 0.
 *
 * Takes and returns plain numbers.
 *
 * Source: Alabdulmohsin et al. (2021), as in Fortuitous Forgetting's code.
 *
 * @example
 * ```ts
 * import { layerwiseBlock } from 'tfjs-llf';
 *
 * console.log([0, 1, 2].map((generation) => layerwiseBlock(generation, 3, 9))); // 0, 3, 6
 * ```
 */
export function layerwiseBlock(generation: number, generations: number, blocks: number): number {
  return Math.floor((generation * blocks) / generations);
}

/** Norms up to this count as zero. */
const TINY = 1e-6;

const norm = (values: ArrayLike<number>): number => Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0));

/**
 * The operation of layer-wise re-initialisation (LW): generation by generation a later block and all after it are drawn
 * anew; what lies before is scaled back to its first norm, and a {@link BlockNorm} there, if the model has some, measures
 * its next batch and normalises by it.
 *
 * For {@link ForgetRelearn} with `epochsPerGeneration`, and {@link startForgetting}. Changes all trained weights; moving
 * statistics and frozen layers stay. A tensor that was zero at the start (a bias) is zero again when it is scaled. The
 * optimizer forgets.
 *
 * Source: Alabdulmohsin et al., "The Impact of Reinitialization on Generalization in Convolutional Neural Networks"
 * (2021), in the form of Fortuitous Forgetting's code, which also begins with a reset at generation 0; here that one is
 * plain training.
 *
 * @throws For options out of range; before the first batch for an unknown layer.
 *
 * @example
 * ```ts
 * import { ForgetRelearn, layerwise } from 'tfjs-llf';
 *
 * const operation = layerwise({ blocks: ['block_0', 'block_1', 'block_2', 'head'] });
 * const callback = new ForgetRelearn({ generations: 4, epochsPerGeneration: 10, operation });
 * ```
 */
export function layerwise({ blocks, rescale = true, reinit = 'own' }: LayerwiseOptions): ForgetOperation {
  const name = 'layerwise';
  if (!Array.isArray(blocks) || blocks.length === 0) throw argumentError(name, 'blocks', 'a list of names', blocks);
  requireBoolean(name, 'rescale', rescale);
  const from = (model: LayersModel, block: number): Set<Layer> =>
    new Set(selectLayers(model, { from: blocks[block] as string }, name, `blocks[${block}]`).map(({ layer }) => layer));
  return {
    name,
    options: asJson({ blocks, rescale, reinit }),
    resetOptimizer: true,
    check: (model) => blocks.forEach((_, block) => void from(model, block)),
    begin: async ({ model, memory }) => {
      for (const layer of modelLayers(model)) {
        for (const { weight } of trainedWeightsOf(layer)) {
          const values = new Float32Array([norm(await weight.variable.data())]);
          memory.set(`norm:${weight.key}`, { values, shape: [] });
        }
      }
    },
    resume: ({ model, memory }) => {
      for (const { layer, name: key } of modelLayers(model))
        if (layer instanceof BlockNorm && memory.has(`due:${key}`)) layer.capture();
    },
    forget: async ({ model, generation, generations, seed, memory }) => {
      const later = from(model, layerwiseBlock(generation, generations, blocks.length));
      for (const layer of modelLayers(model)) {
        if (layer.layer instanceof BlockNorm) {
          if (later.has(layer.layer)) layer.layer.release();
          else {
            layer.layer.capture();
            memory.set(`due:${layer.name}`, { values: Uint8Array.of(1), shape: [] });
          }
          continue;
        }
        const trained = trainedWeightsOf(layer);
        if (later.has(layer.layer)) {
          tidy(() => {
            const fresh = freshValues(layer, reinit, { seed, purpose: name, generation });
            for (const { weight, place } of trained) if (fresh[place]) weight.variable.assign(fresh[place]);
          });
        } else if (rescale) {
          for (const { weight } of trained) {
            const first = memory.get(`norm:${weight.key}`)?.values[0] ?? 0;
            const now = norm(await weight.variable.data());
            const factor = first <= TINY || now === 0 ? 0 : first / now;
            tidy(() => weight.variable.assign(mul(weight.variable, factor)));
          }
        }
      }
    },
  };
}
