import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { requireInteger, requireNumber, requireOneOf, requireShape } from '../core/checks.js';
import { ones, truncatedNormal, zeros } from '../core/laws.js';
import { asList, type Options, type SeededArgs, SeededLayer, type Shape, shapeList } from '../core/layer.js';
import { uniformStream } from '../core/random.js';
import { type BlockOutput, transformerBlockForward } from './transformer.js';
import { KERNEL_STD, perceptronWeights, requireWidth } from './weights.js';

const OUTPUTS: readonly BlockOutput[] = ['none', 'classAttention', 'keys'];

/** Configuration of {@link TransformerBlock}. */
export interface TransformerBlockConfig extends SeededArgs {
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
export class TransformerBlock extends SeededLayer<Options<TransformerBlockConfig>> {
  static readonly className: string = 'LLFTransformerBlock';

  constructor(config: TransformerBlockConfig) {
    super(config, 'TransformerBlock', {
      heads: requireInteger('TransformerBlock', 'heads', config.heads, 1),
      mlpRatio: requireNumber('TransformerBlock', 'mlpRatio', config.mlpRatio ?? 4, 0),
      dropPath: requireNumber('TransformerBlock', 'dropPath', config.dropPath ?? 0, 0, 0.999),
      extraOutput: requireOneOf('TransformerBlock', 'extraOutput', config.extraOutput ?? 'none', OUTPUTS),
      kernelStd: requireNumber('TransformerBlock', 'kernelStd', config.kernelStd ?? KERNEL_STD, 0),
    });
  }

  override build(inputShape: Shape | Shape[]): void {
    const { heads, mlpRatio, kernelStd } = this.options;
    const [tokens = [], sizes] = shapeList(inputShape);
    const dim = requireWidth(this.owner, tokens, heads);
    if (sizes) requireShape(this.owner, 'sizes', sizes, ['batch', tokens[1] ?? null]);
    const law = truncatedNormal(kernelStd);
    this.addWeights({
      attnGamma: [[dim], ones],
      attnBeta: [[dim], zeros],
      qkvKernel: [[dim, 3 * dim], law],
      qkvBias: [[3 * dim], zeros],
      projKernel: [[dim, dim], law],
      projBias: [[dim], zeros],
      ...perceptronWeights(dim, Math.max(1, Math.floor(dim * mlpRatio)), law),
    });
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const [batch = null, tokens = null, dim = null] = shapeList(inputShape)[0] ?? [];
    const { heads, extraOutput } = this.options;
    const same = [batch, tokens, dim];
    if (extraOutput === 'none') return same;
    return [same, extraOutput === 'keys' ? [batch, tokens, (dim as number) / heads] : [batch, tokens]];
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor | Tensor[] {
    return tidy(() => {
      const { heads, extraOutput, dropPath } = this.options;
      const drops = kwargs.training === true && dropPath > 0;
      const drop = drops ? { rate: dropPath, stream: uniformStream(...this.nextDraw('dropPath')) } : undefined;
      const [tokens, sizes] = asList(inputs) as [Tensor, Tensor | undefined];
      const outputs = transformerBlockForward(tokens, this.values(), { heads, extraOutput, sizes, drop });
      return extraOutput === 'none' ? (outputs[0] as Tensor) : outputs;
    });
  }
}
serialization.registerClass(TransformerBlock);

/** Creates a {@link TransformerBlock}, as `tf.layers.dense` creates a `Dense`. */
export function transformerBlock(config: TransformerBlockConfig): TransformerBlock {
  return new TransformerBlock(config);
}
