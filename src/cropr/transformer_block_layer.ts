import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireInteger, requireNumber, requireOneOf, requireRank } from '../core/checks.js';
import { asList, type LayerArgs, type Shape, shapeList } from '../core/layer.js';
import { resolveSeed } from '../core/random.js';
import { KERNEL_STD, PerceptronLayer } from './perceptron_layer.js';
import { type BlockOutput, type BlockWeights, transformerBlockForward } from './transformer.js';

/** Configuration of {@link TransformerBlock}. */
export interface TransformerBlockConfig extends LayerArgs {
  /** Attention heads; must divide the token width. */
  heads: number;
  /** Hidden width of the perceptron as a multiple of the token width. Default 4. */
  mlpRatio?: number;
  /** Probability that a sample skips a residual branch while training (stochastic depth). Default 0. */
  dropPath?: number;
  /**
   * A second output that other routers score by: `'classAttention' [B, M]`, the attention of the class token (mean over
   * heads), or `'keys' [B, M, D / heads]` (mean over heads). Neither passes a gradient. Default `'none'`.
   */
  extraOutput?: BlockOutput;
  /**
   * Standard deviation of the kernels at the start. Default 0.02, as the authors have it for wide networks; a narrow one
   * that trains from scratch gets going sooner with about `dim ** -0.5`.
   */
  kernelStd?: number;
  /** Seed of the initial weights and of drop path. Default: a fresh one, kept in the config. */
  seed?: number;
}

/**
 * Pre-norm transformer block of a ViT: self-attention and a GELU perceptron, each in a residual branch.
 *
 * **Input** tokens `[B, M, D]` float32, or `[tokens, sizes]` where a {@link TokenMerger} came before: sizes `[B, M]` weigh
 * the attention. **Output** `[B, M, D]`, or `[tokens, extra]` with `extraOutput`.
 *
 * **Weights** `attnGamma`, `attnBeta [D]`; `qkvKernel [D, 3D]`, `qkvBias` (q, k, v one after another, each head-major);
 * `projKernel [D, D]`, `projBias`; `mlpGamma`, `mlpBeta`; `fc1Kernel [D, ratio·D]`, `fc1Bias`, `fc2Kernel`, `fc2Bias`.
 * Layer norms have epsilon 1e-6. Kernels start truncated normal (std `kernelStd`), biases at 0.
 *
 * **Gradients** flow to the tokens and to all weights.
 *
 * **Errors** at construction for numbers out of range; when it is connected for heads that do not divide D.
 *
 * Source: the block of timm's VisionTransformer, as the authors of Token Cropr use it for classification.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { transformerBlock } from 'tfjs-llf';
 *
 * const tokens = tf.input({ shape: [17, 32] });
 * const out = transformerBlock({ heads: 4 }).apply(tokens) as tf.SymbolicTensor;
 * if (out.shape.join() !== ',17,32') throw new Error('tokens keep their shape');
 * ```
 */
export class TransformerBlock extends PerceptronLayer {
  static readonly className: string = 'LLFTransformerBlock';

  readonly heads: number;
  readonly mlpRatio: number;
  readonly dropPath: number;
  readonly extraOutput: BlockOutput;
  readonly kernelStd: number;

  constructor(config: TransformerBlockConfig) {
    super(config, resolveSeed(config.seed, 'TransformerBlock'));
    this.heads = requireInteger('TransformerBlock', 'heads', config.heads, 1);
    this.mlpRatio = requireNumber('TransformerBlock', 'mlpRatio', config.mlpRatio ?? 4, 0);
    this.dropPath = requireNumber('TransformerBlock', 'dropPath', config.dropPath ?? 0, 0, 0.999);
    this.kernelStd = requireNumber('TransformerBlock', 'kernelStd', config.kernelStd ?? KERNEL_STD, 0);
    const outputs: BlockOutput[] = ['none', 'classAttention', 'keys'];
    this.extraOutput = requireOneOf('TransformerBlock', 'extraOutput', config.extraOutput ?? 'none', outputs);
  }

  override build(inputShape: Shape | Shape[]): void {
    const [tokens = [], sizes] = shapeList(inputShape);
    const shape = requireRank('TransformerBlock', 'tokens', tokens, 3, '[batch, tokens, dim]');
    if (sizes !== undefined) requireRank('TransformerBlock', 'sizes', sizes, 2, '[batch, tokens]');
    const dim = shape[2] ?? null;
    if (dim === null || dim % this.heads !== 0)
      throw argumentError('TransformerBlock', 'heads', `a divisor of the token width ${dim}`, this.heads);
    const law = { truncatedNormal: this.kernelStd };
    this.addNamedWeight('attnGamma', [dim], 'ones');
    this.addNamedWeight('attnBeta', [dim], 'zeros');
    this.addNamedWeight('qkvKernel', [dim, 3 * dim], law);
    this.addNamedWeight('qkvBias', [3 * dim], 'zeros');
    this.addNamedWeight('projKernel', [dim, dim], law);
    this.addNamedWeight('projBias', [dim], 'zeros');
    this.addPerceptron(dim, Math.max(1, Math.floor(dim * this.mlpRatio)), law);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const [batch = null, tokens = null, dim = null] = shapeList(inputShape)[0] ?? [];
    const same = [batch, tokens, dim];
    if (this.extraOutput === 'none') return same;
    return [same, this.extraOutput === 'keys' ? [batch, tokens, (dim as number) / this.heads] : [batch, tokens]];
  }

  private get blockWeights(): BlockWeights {
    return {
      gamma: this.weight('attnGamma'),
      beta: this.weight('attnBeta'),
      qkvKernel: this.weight('qkvKernel'),
      qkvBias: this.weight('qkvBias'),
      projKernel: this.weight('projKernel'),
      projBias: this.weight('projBias'),
      mlp: this.perceptron,
    };
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor | Tensor[] {
    return tidy(() => {
      const drops = kwargs.training === true && this.dropPath > 0;
      const drop = drops ? { rate: this.dropPath, stream: this.nextStream('dropPath') } : undefined;
      const [tokens, sizes] = asList(inputs) as [Tensor, Tensor | undefined];
      const { heads, extraOutput } = this;
      const outputs = transformerBlockForward(tokens, this.blockWeights, { heads, extraOutput, sizes, drop });
      return extraOutput === 'none' ? (outputs[0] as Tensor) : outputs;
    });
  }

  protected override config(): serialization.ConfigDict {
    const { heads, mlpRatio, dropPath, extraOutput, kernelStd } = this;
    return { heads, mlpRatio, dropPath, extraOutput, kernelStd };
  }
}
serialization.registerClass(TransformerBlock);

/** Creates a {@link TransformerBlock}, as `tf.layers.dense` creates a `Dense`. */
export function transformerBlock(config: TransformerBlockConfig): TransformerBlock {
  return new TransformerBlock(config);
}
