import { keep, serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireBoolean, requireInteger, requireNumber, requireShape } from '../core/checks.js';
import { ones, truncatedNormal, zeros } from '../core/laws.js';
import { asList, type Options, type SeededArgs, SeededLayer, type Shape, shapeList } from '../core/layer.js';
import { uniformStream } from '../core/random.js';
import { KERNEL_STD, requireWidth } from '../cropr/weights.js';
import { type Grid, requireGrid } from './grid.js';
import { rotaryTable, tableTensor } from './rotary.js';
import { rotaryBlockForward } from './rotary_block.js';

/** Configuration of {@link RotaryBlock}. */
export interface RotaryBlockConfig extends SeededArgs {
  /** Attention heads; the token width must be a multiple of 4 · heads. */
  heads: number;
  /** Rows and columns of the patch grid. */
  grid: Grid;
  /** Rows and columns of the grid that positions count along: that of the pretraining. Default `grid`. */
  referenceGrid?: Grid;
  /** Hidden width of the perceptron as a multiple of the token width. Default 8 / 3. */
  mlpRatio?: number;
  /** Probability that a sample skips a residual branch while training (stochastic depth). Default 0. */
  dropPath?: number;
  /** Return the attention of the class token (mean over heads) for an {@link AttentionPruner}. Default false. */
  returnAttention?: boolean;
  /** Standard deviation of the kernels at the start; see {@link TransformerBlockConfig}. Default 0.02. */
  kernelStd?: number;
}

/**
 * Transformer block of EVA-02: rotary positions in the attention, a gated perceptron (SwiGLU) with a norm inside.
 *
 * **Input** tokens `[B, M, D]` float32, or `[tokens, ids]` with ids `[B, M]` int32, once tokens were pruned: an id is the
 * token's place before that, 0 for the class token, and says where it is. Without ids all `1 + rows · columns` tokens must
 * be there, in order. **Output** `[B, M, D]`, or `[tokens, attention [B, M]]` with `returnAttention`.
 *
 * **Weights** `attnGamma`, `attnBeta [D]`; `queryKernel [D, D]`, `queryBias`, `keyKernel` (without bias), `valueKernel`,
 * `valueBias`, `projKernel`, `projBias`; `mlpGamma`, `mlpBeta`; `gateKernel [D, hidden]`, `gateBias`, `fc1Kernel`,
 * `fc1Bias`, `innerGamma`, `innerBeta [hidden]`, `fc2Kernel`, `fc2Bias`. Norms have epsilon 1e-6.
 *
 * **Gradients** flow to the tokens and to all weights, none through `attention`.
 *
 * **Errors** at construction for numbers out of range; when it is connected for a width that is no multiple of 4 · heads,
 * or for tokens without ids that are not those of the grid.
 *
 * Source: EVA-02 (Fang et al. 2023) as timm builds it, the block of Token Cropr's segmentation models.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { RotaryBlock } from 'tfjs-llf';
 *
 * const tokens = tf.input({ shape: [17, 32] });
 * const out = new RotaryBlock({ heads: 4, grid: [4, 4] }).apply(tokens) as tf.SymbolicTensor;
 * if (out.shape.join() !== ',17,32') throw new Error('tokens keep their shape');
 * ```
 */
export class RotaryBlock extends SeededLayer<Options<RotaryBlockConfig>> {
  static readonly className: string = 'LLFRotaryBlock';
  private table: Tensor | undefined;

  constructor(config: RotaryBlockConfig) {
    const grid = requireGrid('RotaryBlock', 'grid', config.grid);
    super(config, 'RotaryBlock', {
      heads: requireInteger('RotaryBlock', 'heads', config.heads, 1),
      grid,
      referenceGrid: requireGrid('RotaryBlock', 'referenceGrid', config.referenceGrid ?? grid),
      mlpRatio: requireNumber('RotaryBlock', 'mlpRatio', config.mlpRatio ?? 8 / 3, 0),
      dropPath: requireNumber('RotaryBlock', 'dropPath', config.dropPath ?? 0, 0, 0.999),
      returnAttention: requireBoolean('RotaryBlock', 'returnAttention', config.returnAttention ?? false),
      kernelStd: requireNumber('RotaryBlock', 'kernelStd', config.kernelStd ?? KERNEL_STD, 0),
    });
  }

  override build(inputShape: Shape | Shape[]): void {
    const { heads, grid, mlpRatio, kernelStd } = this.options;
    const [tokens = [], ids] = shapeList(inputShape);
    const dim = requireWidth(this.owner, tokens);
    if (dim % (4 * heads) !== 0)
      throw argumentError(this.owner, 'heads', `one with 4 · heads that divides ${dim}`, heads);
    if (ids) requireShape(this.owner, 'ids', ids, ['batch', tokens[1] ?? null]);
    else requireShape(this.owner, 'tokens', tokens, ['batch', 1 + grid[0] * grid[1], dim]);
    const hidden = Math.max(1, Math.floor(dim * mlpRatio));
    const law = truncatedNormal(kernelStd);
    this.addWeights({
      attnGamma: [[dim], ones],
      attnBeta: [[dim], zeros],
      queryKernel: [[dim, dim], law],
      queryBias: [[dim], zeros],
      keyKernel: [[dim, dim], law],
      valueKernel: [[dim, dim], law],
      valueBias: [[dim], zeros],
      projKernel: [[dim, dim], law],
      projBias: [[dim], zeros],
      mlpGamma: [[dim], ones],
      mlpBeta: [[dim], zeros],
      gateKernel: [[dim, hidden], law],
      gateBias: [[hidden], zeros],
      fc1Kernel: [[dim, hidden], law],
      fc1Bias: [[hidden], zeros],
      innerGamma: [[hidden], ones],
      innerBeta: [[hidden], zeros],
      fc2Kernel: [[hidden, dim], law],
      fc2Bias: [[dim], zeros],
    });
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const [batch = null, tokens = null, dim = null] = shapeList(inputShape)[0] ?? [];
    const same = [batch, tokens, dim];
    return this.options.returnAttention ? [same, [batch, tokens]] : same;
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor | Tensor[] {
    return tidy(() => {
      const { heads, dropPath, returnAttention } = this.options;
      const [tokens, ids] = asList(inputs) as [Tensor, Tensor | undefined];
      const drops = kwargs.training === true && dropPath > 0;
      const outputs = rotaryBlockForward(tokens, { table: this.positions(tokens), ids }, this.values(), {
        heads,
        attention: returnAttention,
        drop: drops ? { rate: dropPath, stream: uniformStream(...this.nextDraw('dropPath')) } : undefined,
      });
      return returnAttention ? outputs : (outputs[0] as Tensor);
    });
  }

  /** The angles of all places, one tensor for the life of the layer. */
  private positions({ shape }: Tensor): Tensor {
    const { heads, grid, referenceGrid } = this.options;
    const depth = (shape[2] as number) / heads;
    this.table ??= keep(tableTensor(rotaryTable(grid, depth, referenceGrid), depth));
    return this.table;
  }

  protected override disposeWeights(): number {
    this.table?.dispose();
    this.table = undefined;
    return super.disposeWeights();
  }
}
serialization.registerClass(RotaryBlock);
