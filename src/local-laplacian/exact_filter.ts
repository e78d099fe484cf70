import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { requireBoolean, requireInteger, requireNumber, requireOneOf, requireShape } from '../core/checks.js';
import {
  applyBands,
  type Bands,
  compose,
  downMatrix,
  identityMatrix,
  type PlainImage,
  type Row,
  upMatrix,
} from './plain_pyramid.js';
import { defaultLevels } from './pyramid.js';
import { PYRAMIDS, type Pyramid, sizeOf } from './pyramid_operators.js';
import { plainRemap } from './remap.js';

/** Options of {@link exactLocalLaplacian}; as those of `localLaplacian`. */
export interface ExactOptions {
  /** The remap function. Default `'gauss'`. */
  remap?: 'gauss' | 'paris';
  /** Where a detail ends; positive. Default 0.2. */
  sigma?: number;
  /** Strength of details; positive for `'paris'`. Default 1, or 0.5 for `'paris'`. */
  alpha?: number;
  /** Slope beyond sigma. Default 1. */
  beta?: number;
  /** For `'paris'`: leave noise as it is. Default true. */
  noiseBlend?: boolean;
  /** Levels of the pyramid, the residual included. Default: as `localLaplacian`. */
  levels?: number;
  /** How a level is halved and doubled. Default `'paris'`. */
  pyramid?: Pyramid;
}

/** The matrices of one level: to the level (`fine`), and to the next and back (`coarse`); and from the next to this. */
interface LevelBands {
  readonly fine: Bands;
  readonly coarse: Bands;
  readonly up: Bands;
}

function bandsOf(pyramid: Pyramid, height: number, width: number, levels: number): LevelBands[] {
  const axis = (length: number): { fine: Row[]; coarse: Row[]; up: Row[] }[] => {
    let fine = identityMatrix(length);
    return Array.from({ length: levels - 1 }, () => {
      const next = compose(downMatrix(pyramid, fine.length), fine);
      const up = upMatrix(pyramid, fine.length);
      const level = { fine, coarse: compose(up, next), up };
      fine = next;
      return level;
    });
  };
  const columns = axis(width);
  return axis(height).map((rows, l) => {
    const across = columns[l] as (typeof columns)[number];
    const both = (part: 'fine' | 'coarse' | 'up'): Bands => ({ rows: rows[part], columns: across[part] });
    return { fine: both('fine'), coarse: both('coarse'), up: both('up') };
  });
}

/** Sum over a window of row weight x column weight x m(pixel - mean). */
function weighed(row: Row, column: Row, { width, values }: PlainImage, mean: number, m: (d: number) => number): number {
  let sum = 0;
  row.entries.forEach((weight, i) => {
    const from = (row.start + i) * width + column.start;
    let line = 0;
    column.entries.forEach((other, j) => {
      line += other * m((values[from + j] as number) - mean);
    });
    sum += weight * line;
  });
  return sum;
}

/** The filtered image: each coefficient from the whole image remapped around the local mean at its place. */
function filtered(
  image: PlainImage,
  bands: readonly LevelBands[],
  pyramid: Pyramid,
  m: (d: number) => number,
): PlainImage {
  const levels = bands.map(({ fine, coarse }) => {
    const level = applyBands(fine, image);
    const values = level.values.map((mean, i) => {
      const [y, x] = [Math.floor(i / level.width), i % level.width];
      const at = ({ rows, columns }: Bands): number => weighed(rows[y] as Row, columns[x] as Row, image, mean, m);
      return at(fine) - at(coarse);
    });
    return { ...level, values };
  });
  const last = bands[bands.length - 1];
  if (!last) return image;
  const half = (rows: readonly Row[]): Row[] => compose(downMatrix(pyramid, rows.length), rows);
  let result = applyBands({ rows: half(last.fine.rows), columns: half(last.fine.columns) }, image);
  for (let l = bands.length - 1; l >= 0; l--) {
    const raised = applyBands((bands[l] as LevelBands).up, result);
    const level = levels[l] as PlainImage;
    result = { ...level, values: raised.values.map((value, i) => value + (level.values[i] as number)) };
  }
  return result;
}

/**
 * The local Laplacian filter as it is defined, without samples of the local mean: a reference to judge the fast one by.
 *
 * **Input** image `[B, H, W, 1]` float32. **Output** the same shape. In plain TypeScript and float64; about a thousand
 * times slower than `localLaplacian`, and without gradients.
 *
 * **Errors** as those of `localLaplacian`.
 *
 * Source: Paris, Hasinoff, Kautz, "Local Laplacian filters" (2011).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { exactLocalLaplacian, localLaplacian } from 'tfjs-llf';
 *
 * const image = tf.randomUniform([1, 24, 24, 1]);
 * const exact = await exactLocalLaplacian(image, { sigma: 0.3, alpha: -0.5 });
 * const fast = localLaplacian(image, { sigma: 0.3, alpha: -0.5, samples: 32 });
 * console.log(tf.max(tf.abs(tf.sub(exact, fast))).dataSync()[0]);
 * ```
 */
export async function exactLocalLaplacian(image: Tensor, options: ExactOptions = {}): Promise<Tensor> {
  const owner = 'exactLocalLaplacian';
  requireShape(owner, 'image', image.shape, ['batch', 'height', 'width', 1]);
  const remap = requireOneOf(owner, 'remap', options.remap ?? 'gauss', ['gauss', 'paris']);
  const sigma = requireNumber(owner, 'sigma', options.sigma ?? 0.2, Number.MIN_VALUE);
  const lowest = remap === 'paris' ? Number.MIN_VALUE : Number.NEGATIVE_INFINITY;
  const alpha = requireNumber(owner, 'alpha', options.alpha ?? (remap === 'paris' ? 0.5 : 1), lowest);
  const beta = requireNumber(owner, 'beta', options.beta ?? 1);
  const isBlended = requireBoolean(owner, 'noiseBlend', options.noiseBlend ?? true);
  const pyramid = requireOneOf(owner, 'pyramid', options.pyramid ?? 'paris', PYRAMIDS);
  const [height, width] = sizeOf(image);
  const levels = requireInteger(owner, 'levels', options.levels ?? defaultLevels(height, width), 1);
  const m = plainRemap[remap](sigma, alpha, beta, isBlended);
  const bands = bandsOf(pyramid, height, width, levels);
  const pixels = Float64Array.from(await image.data());
  const result = new Float32Array(pixels.length);
  for (let from = 0; from < pixels.length; from += height * width) {
    const values = pixels.subarray(from, from + height * width);
    result.set(filtered({ height, width, values }, bands, pyramid, m).values, from);
  }
  return tensor(result, image.shape);
}
