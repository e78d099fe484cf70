import { add, div, mul, reshape, sub, sum, type Tensor, tensor, transpose } from '@tensorflow/tfjs-core';
import { argumentError, requireInteger, requireNumber, requireOneOf, requireShape } from '../core/checks.js';
import { constant } from '../core/laws.js';
import type { WeightTable } from '../core/layer.js';
import type { FilterSetting } from './fast_filter.js';
import { defaultLevels } from './pyramid.js';
import { PYRAMIDS, type Pyramid } from './pyramid_operators.js';
import { sizeOf } from './size.js';

/** What colour images are filtered by: their luminance, or each channel alone. */
export type ColorMode = 'luminance' | 'channels';

/** Options of the fast filter that do not concern its remap function. */
export interface FilterOptions {
  /** Levels of the pyramid, the residual included; at least 1. Default: the residual has about eight pixels on its shorter side. */
  levels?: number | undefined;
  /** Samples K of the local mean; at least 2. The remap function should not bend within `1 / (K - 1)` of the range. Default 16. */
  samples?: number | undefined;
  /** Values of the image between which the samples lie, `[low, high]`. Default `[0, 1]`. */
  range?: readonly [low: number, high: number] | undefined;
  /** How a level is halved and doubled. Default `'paris'`. */
  pyramid?: Pyramid | undefined;
  /**
   * For images of three channels: filter the luminance (Rec. 709) and move all channels by what it gains, or filter each
   * channel alone. Default: images have one channel.
   */
  color?: ColorMode | undefined;
}

/** Returns `range`, an argument of that name, if it is `[low, high]` with finite numbers that rise. */
export function requireRange(owner: string, range: unknown, name = 'range'): readonly [number, number] {
  const [low, high] = Array.isArray(range) && range.length === 2 ? (range as [unknown, unknown]) : [];
  if (typeof low === 'number' && typeof high === 'number' && low < high && Number.isFinite(high - low))
    return [low, high];
  throw argumentError(owner, name, '[low, high] with low < high', range);
}

const COLOR_MODES: readonly ColorMode[] = ['luminance', 'channels'];

/** {@link FilterOptions}, checked, with their defaults; what has none is missing. */
export interface CheckedOptions {
  readonly levels?: number;
  readonly samples: number;
  readonly range: readonly [low: number, high: number];
  readonly pyramid: Pyramid;
  readonly color?: ColorMode;
}

/** Checks the options. */
export function checkedOptions(owner: string, options: FilterOptions): CheckedOptions {
  const { levels, color } = options;
  return {
    ...(levels !== undefined && { levels: requireInteger(owner, 'levels', levels, 1) }),
    samples: requireInteger(owner, 'samples', options.samples ?? 16, 2),
    range: requireRange(owner, options.range ?? [0, 1]),
    pyramid: requireOneOf(owner, 'pyramid', options.pyramid ?? 'paris', PYRAMIDS),
    ...(color !== undefined && { color: requireOneOf(owner, 'color', color, COLOR_MODES) }),
  };
}

/** Checks the image and says how to filter it, with all levels made by one remap function. */
export function settingFor(owner: string, image: Tensor, options: CheckedOptions): FilterSetting {
  requireImage(owner, image.shape, options.color);
  const levels = options.levels ?? defaultLevels(...sizeOf(image));
  const { samples, range, pyramid } = options;
  return { samples, range, pyramid, levels, from: 0, to: levels };
}

/** Checks the shape of an image, one channel without a colour mode and three with one. */
export function requireImage(owner: string, shape: ReadonlyArray<number | null>, color: ColorMode | undefined): void {
  requireShape(owner, 'image', shape, ['batch', 'height?', 'width?', color === undefined ? 1 : 3]);
}

/** Returns `value` if it is a tensor of one number, or a number in `[min, max]` as one. */
export function parameterOf(owner: string, name: string, value: number | Tensor, min?: number): Tensor {
  if (typeof value === 'number') return tensor([requireNumber(owner, name, value, min)]);
  if (value?.size === 1) return reshape(value, [1]);
  throw argumentError(owner, name, 'a number or a tensor of one', value?.shape ?? value);
}

/** Weights of red, green and blue in the luminance, Rec. 709. */
const LUMINANCE = [0.2126, 0.7152, 0.0722];

/** Filters an image of one channel, or of three by the mode. */
export function filterColor(image: Tensor, color: ColorMode | undefined, filter: (image: Tensor) => Tensor): Tensor {
  if (color === undefined) return filter(image);
  const [batch, height, width] = image.shape as [number, number, number];
  if (color === 'channels') {
    const single = reshape(transpose(image, [0, 3, 1, 2]), [3 * batch, height, width, 1]);
    return transpose(reshape(filter(single), [batch, 3, height, width]), [0, 2, 3, 1]);
  }
  const luminance = sum(mul(image, tensor(LUMINANCE)), 3, true);
  return add(image, sub(filter(luminance), luminance));
}

/**
 * Filters an image whose samples begin at `low` and lie `stretch` times as far apart as those of `filter`, which begin at `start`.
 * Gradients flow to both; what `filter` takes in units of the image has to be divided by `stretch`.
 */
export function filterStretched(
  image: Tensor,
  { low, stretch }: { readonly low: Tensor; readonly stretch: Tensor },
  start: number,
  filter: (image: Tensor) => Tensor,
): Tensor {
  const moved = add(div(sub(image, low), stretch), start);
  return add(mul(sub(filter(moved), start), stretch), low);
}

/** The number whose softplus is `value`, which is positive. */
function inverseSoftplus(value: number): number {
  return value + Math.log(-Math.expm1(-value));
}

/** A weight of one number, which starts from `value`. */
export const single = (value: number): WeightTable[string] => [[1], constant(value)];

/** A weight of one number whose softplus starts from `value`. */
export const singleRaw = (value: number): WeightTable[string] => single(inverseSoftplus(value));

/** The weights of a trained window or range: where it begins, and what has its width as softplus. */
export function windowWeights([low, high]: readonly [low: number, high: number]): WeightTable {
  return { low: single(low), widthRaw: singleRaw(high - low) };
}
