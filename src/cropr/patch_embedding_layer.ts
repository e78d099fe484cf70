import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireInteger, requireNumber, requireShape } from '../core/checks.js';
import { truncatedNormal, uniform, zeros } from '../core/laws.js';
import { asList, type Options, type SeededArgs, SeededLayer, type Shape } from '../core/layer.js';
import { embedPatches } from './patches.js';
import { DENSE, KERNEL_STD } from './weights.js';

/** Configuration of {@link PatchEmbedding}. */
export interface PatchEmbeddingConfig extends SeededArgs {
  /** Side of a square patch in pixels; must divide height and width of the image. */
  patchSize: number;
  /** Width D of the tokens. */
  dim: number;
  /** Prepend a learned class token. Default true. */
  classToken?: boolean;
  /** Add a learned position to each token. Default true. */
  positions?: boolean;
  /**
   * Standard deviation of the positions at the start. Default 0.02, as the authors have it; a network that trains from
   * scratch on little data finds out where things are many times sooner with 1.
   */
  positionStd?: number;
}

/**
 * Cuts an image into patches and makes each a token.
 *
 * **Input** image `[B, H, W, C]` float32. **Output** tokens `[B, P (+ 1), D]`: the class token first, then the P patches
 * row by row.
 *
 * **Weights** `kernel [patch, patch, C, D]`, `bias [D]`; `classToken [1, 1, D]`; `positions [1, P (+ 1), D]`. The kernel
 * starts uniform in ±1/sqrt(fan-in), class token and positions truncated normal (std 0.02 and `positionStd`). **Gradients** flow to all of
 * them and to the image.
 *
 * **Errors** when it is connected: an image whose sides the patch does not divide.
 *
 * Source: ViT, as in Token Cropr's classification models (a convolution with stride = kernel size, as a 2-D product).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { patchEmbedding } from 'tfjs-llf';
 *
 * const tokens = patchEmbedding({ patchSize: 7, dim: 32 }).apply(tf.zeros([2, 28, 28, 1])) as tf.Tensor;
 * if (tokens.shape.join() !== '2,17,32') throw new Error('16 patches and the class token');
 * ```
 */
export class PatchEmbedding extends SeededLayer<Options<PatchEmbeddingConfig>> {
  static readonly className: string = 'LLFPatchEmbedding';

  constructor(config: PatchEmbeddingConfig) {
    super(config, 'PatchEmbedding', {
      patchSize: requireInteger('PatchEmbedding', 'patchSize', config.patchSize, 1),
      dim: requireInteger('PatchEmbedding', 'dim', config.dim, 1),
      classToken: requireBoolean('PatchEmbedding', 'classToken', config.classToken ?? true),
      positions: requireBoolean('PatchEmbedding', 'positions', config.positions ?? true),
      positionStd: requireNumber('PatchEmbedding', 'positionStd', config.positionStd ?? KERNEL_STD, 0),
    });
  }

  /** Number of tokens that an image of this shape becomes. */
  private countTokens(image: Shape): number {
    const { patchSize, classToken } = this.options;
    const shape = requireShape('PatchEmbedding', 'image', image, ['batch', 'height', 'width', 'channels']);
    const [, height, width] = shape as [null, number, number];
    if (height % patchSize !== 0 || width % patchSize !== 0)
      throw argumentError(
        'PatchEmbedding',
        'patchSize',
        `a divisor of the image sides ${height} and ${width}`,
        patchSize,
      );
    return (height / patchSize) * (width / patchSize) + (classToken ? 1 : 0);
  }

  override build(inputShape: Shape | Shape[]): void {
    const { patchSize, dim, classToken, positions, positionStd } = this.options;
    const tokens = this.countTokens(inputShape as Shape);
    const channels = (inputShape as Shape)[3] as number;
    this.addWeights({
      kernel: [[patchSize, patchSize, channels, dim], uniform((patchSize * patchSize * channels) ** -0.5)],
      bias: [[dim], zeros],
      classToken: classToken && [[1, 1, dim], DENSE],
      positions: positions && [[1, tokens, dim], truncatedNormal(positionStd)],
    });
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [(inputShape as Shape)[0] ?? null, this.countTokens(inputShape as Shape), this.options.dim];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => embedPatches(asList(inputs)[0] as Tensor, this.values()));
  }
}
serialization.registerClass(PatchEmbedding);

/** Creates a {@link PatchEmbedding}, as `tf.layers.dense` creates a `Dense`. */
export function patchEmbedding(config: PatchEmbeddingConfig): PatchEmbedding {
  return new PatchEmbedding(config);
}
