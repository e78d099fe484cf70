import { div, ones, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireOneOf } from '../core/checks.js';
import { fastFilter } from './fast_filter.js';
import { gaussRemap, parisRemap, REMAP_FORMS, type Remap, tableRemap } from './remap.js';
import {
  checkedOptions,
  type FilterOptions,
  filterColor,
  filterStretched,
  parameterOf,
  settingFor,
} from './setting.js';

/** Options of {@link localLaplacian}. */
export interface LocalLaplacianOptions extends Omit<FilterOptions, 'range'> {
  /**
   * Values of the image between which the samples lie, `[low, high]` with low < high. Default `[0, 1]`. Tensors of one number get
   * a gradient; the noise of `'paris'` is a hundredth of the range then.
   */
  range?: readonly [low: number | Tensor, high: number | Tensor];
  /**
   * The remap function m of a detail d = pixel − local mean. `'gauss'`: beta d + alpha d exp(−d² / (2 sigma²)). `'paris'`:
   * sgn(d) sigma (|d| / sigma)^alpha up to sigma, sgn(d) (sigma + beta (|d| − sigma)) beyond. A tensor of at least two
   * numbers: a table over the details in `[low − high, high − low]`, straight in between. Default `'gauss'`.
   */
  remap?: 'gauss' | 'paris' | Tensor;
  /** Where a detail ends and an edge begins, in units of the image; positive. Default 0.2. */
  sigma?: number | Tensor;
  /** Strength of details. `'gauss'`: above 0 raises them, below 0 smooths. `'paris'`: positive, below 1 raises them. Default 1, or 0.5 for `'paris'`. */
  alpha?: number | Tensor;
  /** Slope beyond sigma: below 1 compresses edges. Default 1. */
  beta?: number | Tensor;
  /** For `'paris'` with alpha below 1: leave details below 0.01, the noise, as they are. Default true. */
  noiseBlend?: boolean;
}

/**
 * The fast local Laplacian filter: changes details and edges of an image without halos.
 *
 * **Input** image `[B, H, W, 1]` float32, or `[B, H, W, 3]` with `color`; nominal values within `range`. **Output** the
 * same shape, not clipped. Images smaller than the pyramid are fine: levels beyond one pixel change nothing.
 *
 * **Gradients** flow to the image and to `sigma`, `alpha`, `beta`, the table or the range if those are tensors; one gradient written
 * by hand, which keeps nothing of the forward pass but its inputs. A sigma below the distance of two samples,
 * `(high − low) / (samples − 1)`, makes the result uneven. A constant image changes by rounding only. Values beyond the
 * range are filtered as if their local mean were at its end. A pixel that is NaN or infinite spreads NaN over its surroundings.
 *
 * **Errors** for an image of another rank or number of channels, `samples` below 2, a range that does not rise, a number
 * out of its bounds.
 *
 * Source: Paris, Hasinoff, Kautz, "Local Laplacian filters" (2011); Aubry, Paris, Hasinoff, Kautz, Durand, "Fast local
 * Laplacian filters" (2014). Equal to the authors' code, but that the local mean is clamped to the range.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { localLaplacian } from 'tfjs-llf';
 *
 * const image = tf.randomUniform([1, 64, 64, 1]);
 * const detailed = localLaplacian(image, { sigma: 0.15, alpha: 2, samples: 8 });
 * const alpha = tf.variable(tf.scalar(0.5));
 * const { grads } = tf.variableGrads(() => tf.losses.meanSquaredError(detailed, localLaplacian(image, { alpha })));
 * console.log(Object.values(grads)[0].shape);
 * ```
 */
export function localLaplacian(image: Tensor, options: LocalLaplacianOptions = {}): Tensor {
  const owner = 'localLaplacian';
  const { range = [0, 1], ...others } = options;
  if (Array.isArray(range) && range.some((end) => typeof end === 'object'))
    return tidy(() => filterBetween(image, range, others));
  const checked = checkedOptions(owner, options as FilterOptions);
  const setting = settingFor(owner, image, checked);
  return tidy(() => {
    const [remap, parameters] = remapOf(owner, options, checked.range);
    return filterColor(image, checked.color, (x) => fastFilter(x, ones([1]), remap, parameters, setting));
  });
}

/** With tensors as range: the image is moved to [0, 1] and back, and with it all that is measured in its units. */
function filterBetween(
  image: Tensor,
  range: readonly (number | Tensor)[],
  { sigma = 0.2, remap = 'gauss', ...options }: Omit<LocalLaplacianOptions, 'range'>,
): Tensor {
  const [low, high] = range.map((end) => parameterOf('localLaplacian', 'range', end)) as [Tensor, Tensor];
  const stretch = sub(high, low);
  return filterStretched(image, { low, stretch }, 0, (unit) =>
    localLaplacian(unit, {
      ...options,
      sigma: div(sigma, stretch),
      remap: typeof remap === 'object' ? div(remap, stretch) : remap,
    }),
  );
}

/** A remap function and its parameters. */
function remapOf(
  owner: string,
  { remap = 'gauss', sigma = 0.2, alpha, beta = 1, noiseBlend = true }: LocalLaplacianOptions,
  range: readonly [number, number],
): [remap: Remap, parameters: Tensor[]] {
  if (typeof remap === 'object') {
    if (remap.size < 2) throw argumentError(owner, 'remap', 'a table of at least two numbers', remap.shape);
    return [tableRemap(range[1] - range[0]), [remap]];
  }
  const isParis = requireOneOf(owner, 'remap', remap, REMAP_FORMS) === 'paris';
  const parameters = [
    parameterOf(owner, 'sigma', sigma, Number.MIN_VALUE),
    parameterOf(owner, 'alpha', alpha ?? (isParis ? 0.5 : 1), isParis ? Number.MIN_VALUE : undefined),
    parameterOf(owner, 'beta', beta),
  ];
  return [isParis ? parisRemap(requireBoolean(owner, 'noiseBlend', noiseBlend)) : gaussRemap, parameters];
}
