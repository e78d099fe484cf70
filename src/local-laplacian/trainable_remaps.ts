import { add, softplus, type Tensor } from '@tensorflow/tfjs-core';
import { constant } from '../core/laws.js';
import type { WeightTable } from '../core/layer.js';
import { type MLPForm, type MLPWeights, mlpRemap, mlpWeights } from './mlp_remap.js';
import { detailGrid } from './mlp_remap_form.js';
import { gaussRemap, parisRemap, type Remap, tableRemap } from './remap.js';
import { inverseSoftplus } from './setting.js';

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
export interface CurrentRemap {
  readonly remap: Remap;
  readonly parameters: readonly Tensor[];
}

/** The weights of one remap function, with a suffix to each name. */
export function remapWeights(start: RemapStart, suffix: string): WeightTable {
  const { remap, sigma, sigmaMin, alpha, beta } = start;
  if (typeof remap === 'object') return mlpWeights(remap, suffix);
  const named: WeightTable = {
    [`sigmaRaw${suffix}`]: [[1], constant(inverseSoftplus(sigma - sigmaMin))],
    [remap === 'paris' ? `alphaRaw${suffix}` : `alpha${suffix}`]: [
      [1],
      constant(remap === 'paris' ? inverseSoftplus(alpha) : alpha),
    ],
    [`beta${suffix}`]: [[1], constant(beta)],
  };
  return named;
}

/** The remap function that the weights of this suffix make. An MLP is evaluated once, on a grid of details. */
export function currentRemap(start: RemapStart, all: MLPWeights, suffix: string): CurrentRemap {
  const { remap, sigmaMin, noiseBlend, range } = start;
  const weight = (name: string): Tensor => all[`${name}${suffix}`] as Tensor;
  if (typeof remap === 'object') {
    const span = spanOf(range);
    return { remap: tableRemap(span), parameters: [mlpRemap(detailGrid(span), all, remap, suffix)] };
  }
  const sigma = add(softplus(weight('sigmaRaw')), sigmaMin);
  if (remap === 'paris')
    return { remap: parisRemap(noiseBlend), parameters: [sigma, softplus(weight('alphaRaw')), weight('beta')] };
  return { remap: gaussRemap, parameters: [sigma, weight('alpha'), weight('beta')] };
}
