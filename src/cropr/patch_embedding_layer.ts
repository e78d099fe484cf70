import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireInteger, requireRank } from '../core/checks.js';
import { asList, type LayerArgs, SeededLayer, type Shape } from '../core/layer.js';
import { resolveSeed } from '../core/random.js';
import { embedPatches } from './patches.js';
import { DENSE } from './perceptron_layer.js';

/** Configuration of {@link PatchEmbedding}. */
export interface PatchEmbeddingConfig extends LayerArgs {
  /** Side of a square patch in pixels; must divide height and width of the image. */
  patchSize: number;
  /** Width D of the tokens. */
  dim: number;
  /** Prepend a learned class token. Default true. */
  classToken?: boolean;
  /** Add a learned position to each token. Default true. */
  positions?: boolean;
  /** Seed of the initial weights. Default: a fresh one, kept in the config. */
  seed?: number;
}

/**
 * Cuts an image into patches and makes each a token.
 *
 * **Input** image `[B, H, W, C]` float32. **Output** tokens `[B, P (+ 1), D]`: the class token first, then the P patches
 * row by row.
 *
 * **Weights** `kernel [patch, patch, C, D]`, `bias [D]`; `classToken [1, 1, D]`; `positions [1, P (+ 1), D]`. The kernel
 * starts uniform in ±1/sqrt(fan-in), tokens and positions truncated normal (std 0.02). **Gradients** flow to all of
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
export class PatchEmbedding extends SeededLayer {
  static readonly className: string = 'LLFPatchEmbedding';

  readonly patchSize: number;
  readonly dim: number;
  readonly classToken: boolean;
  readonly positions: boolean;

  constructor(config: PatchEmbeddingConfig) {
    super(config, resolveSeed(config.seed, 'PatchEmbedding'));
    this.patchSize = requireInteger('PatchEmbedding', 'patchSize', config.patchSize, 1);
    this.dim = requireInteger('PatchEmbedding', 'dim', config.dim, 1);
    this.classToken = requireBoolean('PatchEmbedding', 'classToken', config.classToken ?? true);
    this.positions = requireBoolean('PatchEmbedding', 'positions', config.positions ?? true);
  }

  /** Number of tokens that an image of this shape becomes. */
  private countTokens(image: Shape): number {
    const [, height, width] = requireRank('PatchEmbedding', 'image', image, 4, '[batch, height, width, channels]');
    if (height == null || width == null || image[3] == null)
      throw argumentError('PatchEmbedding', 'image', 'of known height, width and channels', image);
    if (height % this.patchSize !== 0 || width % this.patchSize !== 0)
      throw argumentError(
        'PatchEmbedding',
        'patchSize',
        `a divisor of the image sides ${height} and ${width}`,
        this.patchSize,
      );
    return (height / this.patchSize) * (width / this.patchSize) + (this.classToken ? 1 : 0);
  }

  override build(inputShape: Shape | Shape[]): void {
    const tokens = this.countTokens(inputShape as Shape);
    const channels = (inputShape as Shape)[3] as number;
    this.addNamedWeight('kernel', [this.patchSize, this.patchSize, channels, this.dim], { uniformFanIn: true });
    this.addNamedWeight('bias', [this.dim], 'zeros');
    if (this.classToken) this.addNamedWeight('classToken', [1, 1, this.dim], DENSE);
    if (this.positions) this.addNamedWeight('positions', [1, tokens, this.dim], DENSE);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return [(inputShape as Shape)[0] ?? null, this.countTokens(inputShape as Shape), this.dim];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() =>
      embedPatches(asList(inputs)[0] as Tensor, {
        kernel: this.weight('kernel'),
        bias: this.weight('bias'),
        classToken: this.classToken ? this.weight('classToken') : undefined,
        positions: this.positions ? this.weight('positions') : undefined,
      }),
    );
  }

  protected override config(): serialization.ConfigDict {
    const { patchSize, dim, classToken, positions } = this;
    return { patchSize, dim, classToken, positions };
  }
}
serialization.registerClass(PatchEmbedding);

/** Creates a {@link PatchEmbedding}, as `tf.layers.dense` creates a `Dense`. */
export function patchEmbedding(config: PatchEmbeddingConfig): PatchEmbedding {
  return new PatchEmbedding(config);
}
