import { add, div, mul, serialization, softplus, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireNumber } from '../core/checks.js';
import { asList, type SeededArgs, SeededLayer, type Shape } from '../core/layer.js';
import { requireRange, single, singleRaw, windowWeights } from './setting.js';

/** Configuration of {@link AffineNorm}. */
export interface AffineNormConfig extends SeededArgs {
  /** First gain; not 0. Default 1. */
  gain?: number;
  /** First bias. Default 0. */
  bias?: number;
  /** Keep the gain above 0, so that the order of grey values stays. Default false. */
  positive?: boolean;
  /** Learn a window `[low, high]` that becomes `[0, 1]` instead of gain and bias: the first one. */
  window?: readonly [low: number, high: number];
}

/** What the constructor took, without defaults that the window form has no use for. */
type AffineNormOptions = Pick<AffineNormConfig, 'gain' | 'bias' | 'positive' | 'window'>;

/**
 * Moves the range of an image: `gain x + bias`, or `(x − low) / (high − low)`, with two trained numbers.
 *
 * A local Laplacian filter leaves the coarsest structure as it is; this layer behind it brings brightness and contrast to
 * those of the target.
 *
 * **Input** float32 of any shape. **Output** the same shape, not clipped. **Weights** `gain [1]` (or `gainRaw`, whose
 * softplus is the gain, with `positive`) and `bias [1]`; in the window form `low [1]` and `widthRaw [1]`, whose softplus is
 * high − low, so that the order of grey values stays. **Gradients** flow to both and to the image.
 *
 * **Errors** at construction for numbers that are not finite, a positive gain that is not, a window together with gain or
 * bias, a window that does not rise.
 *
 * Source: Eckert et al., arXiv 2411.07072, the normalisation layer; its formula is our reading.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { AffineNorm } from 'tfjs-llf';
 *
 * const image = tf.tensor4d([1000, 2000, 3000, 4000], [1, 2, 2, 1]);
 * const windowed = new AffineNorm({ window: [1000, 3000] }).apply(image) as tf.Tensor;
 * console.log([...windowed.dataSync()]); // 0, 0.5, 1, 1.5
 * ```
 */
export class AffineNorm extends SeededLayer<AffineNormOptions> {
  static readonly className: string = 'LLFAffineNorm';

  constructor(config: AffineNormConfig = {}) {
    const owner = 'AffineNorm';
    const { window, gain, bias, positive } = config;
    if (window !== undefined) {
      for (const [name, value] of Object.entries({ gain, bias, positive })) {
        if (value !== undefined) throw argumentError(owner, name, 'left out with a window', value);
      }
      super(config, owner, { window: requireRange(owner, window, 'window') });
      return;
    }
    const isPositive = requireBoolean(owner, 'positive', positive ?? false);
    super(config, owner, {
      gain: requireNumber(owner, 'gain', gain ?? 1, isPositive ? Number.MIN_VALUE : undefined),
      bias: requireNumber(owner, 'bias', bias ?? 0),
      positive: isPositive,
    });
  }

  override build(inputShape: Shape | Shape[]): void {
    const { window, gain = 1, bias = 0, positive } = this.options;
    this.addWeights(
      window
        ? windowWeights(window)
        : { ...(positive ? { gainRaw: singleRaw(gain) } : { gain: single(gain) }), bias: single(bias) },
    );
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = asList(inputs)[0] as Tensor;
      const { gain, gainRaw, bias, low, widthRaw } = this.values<Partial<Record<string, Tensor>>>();
      if (low && widthRaw) return div(sub(x, low), softplus(widthRaw));
      return add(mul(x, gainRaw ? softplus(gainRaw) : (gain as Tensor)), bias as Tensor);
    });
  }
}
serialization.registerClass(AffineNorm);
