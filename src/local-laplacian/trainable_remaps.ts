import { add, div, mul, ones, softplus, type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { WeightTable } from '../core/layer.js';
import { type MLPForm, type MLPWeights, mlpRemap, mlpWeights } from './mlp_remap.js';
import { detailGrid } from './mlp_remap_form.js';
import { gaussRemap, parisRemap, type Remap, tableRemap } from './remap.js';
import { single, singleRaw } from './setting.js';

/** What a trainable remap function is made of, and what it starts from. */
export interface RemapStart {
  readonly remap: 'gauss' | 'paris' | MLPForm;
  readonly sigma: number;
  /** Sigma stays above it. */
  readonly sigmaMin: number;
  readonly alpha: number;
  readonly beta: number;
  readonly noiseBlend: boolean;
  readonly range: readonly [low: number, high: number];
}

/** Details lie in `[-span, span]`. */
export function spanOf([low, high]: RemapStart['range']): number {
  return high - low;
}

/** A remap function with its parameters as they are now. */
export type CurrentRemap = readonly [remap: Remap, parameters: readonly Tensor[]];

/** The weights of one remap function, with a suffix to each name. */
export function remapWeights(start: RemapStart, suffix: string): WeightTable {
  const { remap, sigma, sigmaMin, alpha, beta } = start;
  if (typeof remap === 'object') return mlpWeights(remap, suffix);
  return {
    [`sigmaRaw${suffix}`]: singleRaw(sigma - sigmaMin),
    ...(remap === 'paris' ? { [`alphaRaw${suffix}`]: singleRaw(alpha) } : { [`alpha${suffix}`]: single(alpha) }),
    [`beta${suffix}`]: single(beta),
  };
}

/** Where the samples begin, and how many times as far apart they lie as at first. */
export interface CurrentRange {
  readonly low: Tensor;
  readonly stretch: Tensor;
}

/** The range as the weights make it; without them it is as at first. */
export function currentRange(
  [start, end]: RemapStart['range'],
  { low = tensor([start]), widthRaw }: MLPWeights,
): CurrentRange {
  return { low, stretch: widthRaw ? div(softplus(widthRaw), end - start) : ones([1]) };
}

/**
 * The remap function that the weights of this suffix make, of details and values divided by `stretch`. An MLP is evaluated once, on
 * a grid of details.
 */
export function currentRemap(start: RemapStart, all: MLPWeights, suffix: string, stretch: Tensor): CurrentRemap {
  const { remap, sigmaMin, noiseBlend, range } = start;
  const weight = (name: string): Tensor => all[`${name}${suffix}`] as Tensor;
  if (typeof remap === 'object') {
    const span = spanOf(range);
    const values = mlpRemap(mul(detailGrid(span), stretch), all, remap, suffix);
    return [tableRemap(span), [div(values, stretch)]];
  }
  const sigma = div(add(softplus(weight('sigmaRaw')), sigmaMin), stretch);
  if (remap === 'paris') return [parisRemap(noiseBlend), [sigma, softplus(weight('alphaRaw')), weight('beta')]];
  return [gaussRemap, [sigma, weight('alpha'), weight('beta')]];
}
