import { abs, add, cast, floor, mul, ones, reshape, sub, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireInteger, requireOneOf, requireShape } from '../core/checks.js';
import { fastFilter } from './fast_filter.js';
import { cellEnds, type Remap, signOf } from './remap.js';
import { settingFor } from './setting.js';
import { sizeOf } from './size.js';
import { applyTable, extended, gradientLengths, matchingTable, READINGS, rescaled } from './style_tables.js';

/** Options of {@link styleTransfer}. */
export interface StyleTransferOptions {
  /** `'clean'`: as the paper writes it. `'official'`: as the released code, with its slips. Default `'clean'`. */
  mode?: 'clean' | 'official';
  /** How often gradients and grey values are matched. Default 5. */
  iterations?: number;
  /** Samples of the local mean. Default 20. */
  samples?: number;
  /** Levels of the pyramid, the residual included. Default: as the released code, 9 for 1024 pixels. */
  levels?: number;
  /** End with matched grey values, or with matched gradients. Default `'intensity'`. */
  finish?: 'intensity' | 'gradient';
}

type Mode = keyof typeof READINGS;

/** m(d) = sgn(d) f(|d|), where f is a table over [0, 1]; officially plus d itself. No gradient is needed. */
function styleRemap(table: Float64Array, mode: Mode): Remap {
  const reading = READINGS[mode];
  const entries = extended(table, reading);
  const last = entries.length - 2;
  return {
    name: 'custom',
    value: (detail) => {
      const at = mul(reshape(abs(detail), [-1]), last);
      const [left, rise] = cellEnds(tensor(Float32Array.from(entries)), cast(floor(at), 'int32'));
      const value = add(left, mul(rise, mul(sub(at, floor(at)), 1 / reading.flatness)));
      const remapped = mul(signOf(detail), reshape(value, detail.shape));
      return mode === 'official' ? add(detail, remapped) : remapped;
    },
    gradient: (detail) => ({ detail, parameters: [] }),
  };
}

/**
 * Gives an image the look of a model image by histograms, without training: the baseline that learned filters are compared
 * to.
 *
 * Matches, several times over, the lengths of gradients (with a local Laplacian filter whose remap function is made of the
 * two histograms) and the grey values. The result need not come nearer with each iteration.
 *
 * **Input** image `[1, H, W, 1]` and model `[1, H', W', 1]`, float32 in [0, 1], at least 2x2. **Output** a promise of
 * `[1, H, W, 1]`. No gradients: the histograms are read.
 *
 * **Errors** for other shapes, for values outside of [0, 1] or not finite, for options out of bounds.
 *
 * Source: Aubry et al., "Fast local Laplacian filters: theory and applications" (2014), section 6.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { styleTransfer } from 'tfjs-llf';
 *
 * const [image, model] = [tf.randomUniform([1, 32, 32, 1]), tf.square(tf.randomUniform([1, 24, 40, 1]))];
 * const styled = await styleTransfer(image, model, { iterations: 2, samples: 8 });
 * console.log(styled.shape, tf.mean(image).dataSync(), tf.mean(styled).dataSync());
 * ```
 */
export async function styleTransfer(image: Tensor, model: Tensor, options: StyleTransferOptions = {}): Promise<Tensor> {
  const owner = 'styleTransfer';
  const mode: Mode = requireOneOf(owner, 'mode', options.mode ?? 'clean', Object.keys(READINGS) as Mode[]);
  const finish = requireOneOf(owner, 'finish', options.finish ?? 'intensity', ['intensity', 'gradient']);
  const iterations = requireInteger(owner, 'iterations', options.iterations ?? 5, 1);
  const samples = requireInteger(owner, 'samples', options.samples ?? 20, 2);
  const [source, goal] = [await pixels(owner, 'image', image), await pixels(owner, 'model', model)];
  const [height, width] = sizeOf(image);
  const officialLevels = Math.ceil(Math.log(Math.min(height, width) / 2)) + 2;
  const levels = requireInteger(owner, 'levels', options.levels ?? officialLevels, 1);
  const setting = settingFor(owner, image, { pyramid: 'paris', levels, samples, range: [0, 1] });
  const goalLengths = gradientLengths(goal, sizeOf(model)[1]);
  const matched = (values: Float64Array): Float64Array =>
    applyTable(matchingTable(values, goal), READINGS[mode], values);

  let output = matched(source);
  let filtered = output;
  for (let i = 0; i < iterations; i++) {
    const remap = styleRemap(matchingTable(gradientLengths(output, width), goalLengths), mode);
    const result = tidy(() =>
      fastFilter(tensor(Float32Array.from(output), image.shape), ones([1]), remap, [], setting),
    );
    filtered = Float64Array.from(await result.data());
    result.dispose();
    output = matched(rescaled(filtered));
  }
  return tensor(Float32Array.from(finish === 'intensity' ? output : filtered), image.shape);
}

/** The values of a grey image in [0, 1]. */
async function pixels(owner: string, name: string, image: Tensor): Promise<Float64Array> {
  requireShape(owner, name, image.shape, [1, 'height', 'width', 1]);
  const [height, width] = sizeOf(image);
  if (height < 2 || width < 2) throw argumentError(owner, name, 'at least 2x2 pixels', image.shape);
  const values = Float64Array.from(await image.data());
  const wrong = values.find((value) => !(value >= 0 && value <= 1));
  if (wrong !== undefined) throw argumentError(owner, name, 'an image of values in [0, 1]', wrong);
  return values;
}
