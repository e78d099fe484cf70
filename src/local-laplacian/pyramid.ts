import { add, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { requireInteger, requireOneOf, requireShape } from '../core/checks.js';
import { linearMap } from './linear_map.js';
import { PYRAMIDS, type Pyramid, type PyramidOperators, pyramidOperators } from './pyramid_operators.js';
import { halved, type Size, sizeOf } from './size.js';

/** Levels of halved size, each made of the one before: `down` gives local means, `upAdjoint` the gradients of a collapse. */
export function chain(shrinkLevel: (fine: Tensor) => Tensor, first: Tensor, levels: number): Tensor[] {
  const list = [first];
  while (list.length < levels) list.push(shrinkLevel(list[list.length - 1] as Tensor));
  return list;
}

/** Adds levels up, the last one first: `up` collapses a Laplacian pyramid, `downAdjoint` gathers gradients of local means. */
export function collapse(spreadLevel: (coarse: Tensor, size: Size) => Tensor, levels: readonly Tensor[]): Tensor {
  return levels.reduceRight((coarse, level) => add(level, spreadLevel(coarse, sizeOf(level))));
}

/** The depth of a pyramid that leaves a residual of about eight pixels on its shorter side. */
export function defaultLevels(height: number, width: number): number {
  return Math.max(2, Math.floor(Math.log2(Math.min(height, width))) - 2);
}

/** Options of {@link laplacianPyramid}. */
export interface PyramidOptions {
  /** Levels, the residual included; at least 1. Default: the residual has about eight pixels on its shorter side. */
  levels?: number;
  /** How a level is halved and doubled. Default `'paris'`. */
  pyramid?: Pyramid;
}

/**
 * The Laplacian pyramid of an image: band-passed levels, fine to coarse, and a low-passed residual.
 *
 * **Input** image `[B, H, W, C]` float32 of any size. **Output** `levels` tensors; the sides of each are half of those
 * before, rounded up. Levels beyond one pixel are zero. **Gradients** flow to the image and are exact.
 *
 * `pyramid` is `'paris'` (taps of Burt and Adelson, at the border those inside, scaled to the sum 1: as in the authors'
 * code), `'opencv'` (as `cv2.pyrDown` and `cv2.pyrUp`), or `'lin'` (halved as `'paris'`, doubled by linear interpolation:
 * the fastest in composed operations).
 *
 * **Errors** for another rank, for `levels` that are not a whole number of at least 1.
 *
 * Source: Burt and Adelson, "The Laplacian pyramid as a compact image code" (1983).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { collapsePyramid, laplacianPyramid } from 'tfjs-llf';
 *
 * const image = tf.randomUniform([1, 37, 53, 1]);
 * const levels = laplacianPyramid(image, { levels: 4 }); // 37x53, 19x27, 10x14, 5x7
 * const again = collapsePyramid(levels);
 * if (tf.max(tf.abs(tf.sub(image, again))).dataSync()[0] > 1e-6) throw new Error('nothing is lost');
 * ```
 */
export function laplacianPyramid(image: Tensor, options: PyramidOptions = {}): Tensor[] {
  const owner = 'laplacianPyramid';
  requireShape(owner, 'image', image.shape, ['batch', 'height', 'width', 'channels']);
  const levels = requireInteger(owner, 'levels', options.levels ?? defaultLevels(...sizeOf(image)), 1);
  const { down, downAdjoint, up, upAdjoint } = operatorsOf(owner, options.pyramid);
  return tidy(() => {
    const halve = (fine: Tensor): Tensor => linearMap(fine, down, (dy) => downAdjoint(dy, sizeOf(fine)));
    const gaussian = chain(halve, image, levels);
    return gaussian.map((fine, l) => {
      const coarse = gaussian[l + 1];
      // A residual that is the image itself must be another tensor: the caller disposes both.
      if (!coarse) return add(fine, 0);
      return sub(
        fine,
        linearMap(coarse, (x) => up(x, sizeOf(fine)), upAdjoint),
      );
    });
  });
}

/**
 * The image of a Laplacian pyramid: undoes {@link laplacianPyramid}, exactly but for rounding.
 *
 * **Input** levels `[B, H, W, C]`, fine to coarse, the residual last. **Output** `[B, H, W, C]`. **Gradients** flow to
 * every level and are exact. **Errors** for no level, and for sides that are not half of those before, rounded up.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { collapsePyramid, laplacianPyramid } from 'tfjs-llf';
 *
 * const [finest, ...others] = laplacianPyramid(tf.randomUniform([1, 32, 32, 1]), { levels: 3 });
 * const sharper = collapsePyramid([tf.mul(finest, 2), ...others]);
 * if (sharper.shape.join() !== '1,32,32,1') throw new Error('an image again');
 * ```
 */
export function collapsePyramid(levels: readonly Tensor[], { pyramid }: Pick<PyramidOptions, 'pyramid'> = {}): Tensor {
  const owner = 'collapsePyramid';
  const { up, upAdjoint } = operatorsOf(owner, pyramid);
  requireInteger(owner, 'levels.length', levels.length, 1);
  let shape: (string | number)[] = ['batch', 'height', 'width', 'channels'];
  for (const [i, level] of levels.entries()) {
    const [batch = 0, height = 0, width = 0, channels = 0] = requireShape(owner, `levels[${i}]`, level.shape, shape);
    shape = [batch, ...halved([height, width] as [number, number]), channels] as number[];
  }
  return tidy(() => collapse((coarse, size) => linearMap(coarse, (x) => up(x, size), upAdjoint), levels));
}

/** The operators of a convention, by default `'paris'`. */
export function operatorsOf(owner: string, pyramid: Pyramid = 'paris'): PyramidOperators {
  return pyramidOperators[requireOneOf(owner, 'pyramid', pyramid, PYRAMIDS)];
}
