import {
  add,
  concat,
  conv2d,
  div,
  mean,
  mul,
  reshape,
  split,
  square,
  sub,
  type Tensor,
  type Tensor4D,
  tensor,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { argumentError, requireInteger, requireNumber, requireOneOf, requireShape } from '../core/checks.js';
import { linearMap } from './linear_map.js';

/** Options of {@link ssim}. */
export interface SSIMOptions {
  /** `'gaussian'`, as in the paper of SSIM, or `'uniform'`, with unbiased variances. Default `'gaussian'`. */
  window?: 'gaussian' | 'uniform';
  /** Side of the window in pixels, an odd number of at least 3. Default 11, or 7 for `'uniform'`. */
  size?: number;
  /** Standard deviation of the Gaussian window in pixels. Default 1.5. */
  sigma?: number;
  /** Distance of the largest from the smallest value an image may have. Default 1. */
  range?: number;
}

/** How windows are weighted, and what makes a variance of n values one of n − 1. */
interface Window {
  readonly taps: readonly number[];
  readonly correction: number;
  readonly range: number;
}

function windowOf(owner: string, options: SSIMOptions): Window {
  const kind = requireOneOf(owner, 'window', options.window ?? 'gaussian', ['gaussian', 'uniform']);
  const size = requireInteger(owner, 'size', options.size ?? (kind === 'gaussian' ? 11 : 7), 3);
  if (size % 2 === 0) throw argumentError(owner, 'size', 'an odd number', size);
  const sigma = requireNumber(owner, 'sigma', options.sigma ?? 1.5, Number.MIN_VALUE);
  const range = requireNumber(owner, 'range', options.range ?? 1, Number.MIN_VALUE);
  const places = Array.from({ length: size }, (_, i) => i - (size - 1) / 2);
  const heights = places.map((x) => (kind === 'gaussian' ? Math.exp((-x * x) / (2 * sigma * sigma)) : 1));
  const sum = heights.reduce((total, height) => total + height, 0);
  const count = size * size;
  return {
    taps: heights.map((height) => height / sum),
    correction: kind === 'gaussian' ? 1 : count / (count - 1),
    range,
  };
}

/** Means over windows that fit into the image: `[N, H, W, 1]` → `[N, H − n + 1, W − n + 1, 1]`. Its own adjoint but for margins. */
function windowMeans(x: Tensor, taps: readonly number[]): Tensor {
  const pass = (image: Tensor, margin: number): Tensor => {
    const across = [margin, margin] as [number, number];
    const rows = tensor([...taps], [taps.length, 1, 1, 1]) as Tensor4D;
    const columns = tensor([...taps], [1, taps.length, 1, 1]) as Tensor4D;
    const tall = conv2d(image as Tensor4D, rows, 1, [[0, 0], across, [0, 0], [0, 0]]);
    return conv2d(tall, columns, 1, [[0, 0], [0, 0], across, [0, 0]]);
  };
  return linearMap(
    x,
    (image) => pass(image, 0),
    (dy) => pass(dy, taps.length - 1),
  );
}

/**
 * Structural similarity of two images, one number for each pair: 1 for equal ones. As a metric, `metrics: [ssim]`.
 *
 * **Input** two images `[B, H, W, C]` float32 of one shape, each side at least the window. **Output** `[B]`, the mean over
 * pixels whose window fits, and channels. **Gradients** flow to both images. Equal to scikit-image: `gaussian_weights`
 * with population covariance, and its default with the uniform window.
 *
 * **Errors** for images of different shapes or smaller than the window, an even window, numbers out of bounds.
 *
 * Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment" (2004).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { ssim } from 'tfjs-llf';
 *
 * const image = tf.randomUniform([2, 32, 32, 1]);
 * const [same] = ssim(image, image).dataSync();
 * const [other] = ssim(image, tf.sub(1, image)).dataSync();
 * if (!(same > 0.999 && other < 0)) throw new Error('alike, and its negative');
 * ```
 */
export function ssim(a: Tensor, b: Tensor, options: SSIMOptions = {}): Tensor {
  const owner = 'ssim';
  const { taps, correction, range } = windowOf(owner, options);
  requireShape(owner, 'images', a.shape, ['batch', 'height', 'width', 'channels']);
  requireShape(owner, 'the second image', b.shape, a.shape);
  const [batch, height, width, channels] = a.shape as [number, number, number, number];
  if (Math.min(height, width) < taps.length)
    throw argumentError(owner, 'images', `at least ${taps.length} pixels high and wide`, a.shape);
  return tidy(() => {
    const count = batch * channels;
    const single = (x: Tensor): Tensor => reshape(transpose(x, [0, 3, 1, 2]), [count, height, width, 1]);
    // Around the middle of the range, so that squares lose less to rounding.
    const [x, y] = [sub(single(a), range / 2), sub(single(b), range / 2)];
    const all = windowMeans(concat([x, y, add(square(x), square(y)), mul(x, y)]), taps);
    const [mx, my, squares, products] = split(all, 4) as [Tensor, Tensor, Tensor, Tensor];
    const [variances, covariance] = [
      mul(sub(squares, add(square(mx), square(my))), correction),
      mul(sub(products, mul(mx, my)), correction),
    ];
    const [c1, c2] = [(0.01 * range) ** 2, (0.03 * range) ** 2];
    const [lx, ly] = [add(mx, range / 2), add(my, range / 2)];
    const above = mul(add(mul(mul(lx, ly), 2), c1), add(mul(covariance, 2), c2));
    const below = mul(add(add(square(lx), square(ly)), c1), add(variances, c2));
    return mean(reshape(div(above, below), [batch, -1]), 1);
  });
}

/** Options of {@link ssimLoss}. */
export interface SSIMLossOptions extends SSIMOptions {
  /** Weight of 1 − SSIM; at least 0. Default 0.1. */
  weight?: number;
  /** Weight of the mean squared error; at least 0. Default 1. */
  mse?: number;
}

/**
 * A loss for `compile`: `mse · MSE + weight · (1 − SSIM)`, one number for each image.
 *
 * **Input** target and prediction `[B, H, W, C]`. **Gradients** flow to both. **Errors** as those of `ssim`; a model that
 * is saved does not save it: pass it to `compile` again.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { ssim, ssimLoss, TrainableLLF } from 'tfjs-llf';
 *
 * const model = tf.sequential({ layers: [new TrainableLLF({ samples: 8, inputShape: [32, 32, 1] })] });
 * model.compile({ optimizer: tf.train.adam(0.02), loss: ssimLoss({ weight: 0.5 }), metrics: [ssim] });
 * const raw = tf.randomUniform([4, 32, 32, 1]);
 * await model.fit(raw, tf.sqrt(raw), { epochs: 1, verbose: 0 });
 * ```
 */
export function ssimLoss(options: SSIMLossOptions = {}): (target: Tensor, predicted: Tensor) => Tensor {
  const owner = 'ssimLoss';
  const { weight = 0.1, mse = 1, ...window } = options;
  requireNumber(owner, 'weight', weight, 0);
  requireNumber(owner, 'mse', mse, 0);
  windowOf(owner, window);
  return (target, predicted) =>
    tidy(() => {
      const difference = mul(sub(1, ssim(target, predicted, window)), weight);
      return add(difference, mul(mean(square(sub(target, predicted)), [1, 2, 3]), mse));
    });
}
