import { serialization, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { requireNumber } from '../core/checks.js';
import { asList, type Options, type SeededArgs, SeededLayer, type Shape } from '../core/layer.js';
import { mlpRemapAt, mlpWeights } from './mlp_remap.js';
import { checkedForm, detailGrid, type MLPRemapForm } from './mlp_remap_form.js';

/** Configuration of {@link MLPRemap}. */
export interface MLPRemapConfig extends SeededArgs, MLPRemapForm {
  /** Details lie in `[-span, span]`: where the batch norm takes its statistics. Default 1. */
  span?: number;
}

/**
 * The remap function of the trainable local Laplacian filter as a small network: one number to one number.
 *
 * **Input** details of any shape, float32. **Output** m(detail), the same shape.
 *
 * **Weights** for hidden layer i `kernel{i} [in, out]`, `bias{i} [out]` or, with the batch norm, `gamma{i}`, `beta{i}
 * [out]`; `kernel{n}`, `bias{n}` of the output; `skip [1]` in the monotone residual form. There are no moving averages:
 * the batch norm always uses the statistics of an even grid of details, so that training and prediction agree.
 * **Gradients** flow to the weights, through the statistics too, and to the details.
 *
 * **Errors** at construction for widths that are not whole numbers of at least 1.
 *
 * Source: Eckert et al., arXiv 2411.07072: six hidden layers, ReLU, batch norm. Width, residual and monotone form are ours.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { MLPRemap } from 'tfjs-llf';
 *
 * const remap = new MLPRemap({ hidden: [8, 8], monotone: true });
 * const details = tf.tensor2d([[-0.5, 0, 0.5]]);
 * const [low, middle, high] = (remap.apply(details) as tf.Tensor).dataSync();
 * if (!(low < middle && middle < high)) throw new Error('order stays');
 * ```
 */
export class MLPRemap extends SeededLayer<Options<MLPRemapConfig>> {
  static readonly className: string = 'LLFMLPRemap';

  constructor(config: MLPRemapConfig = {}) {
    super(config, 'MLPRemap', {
      ...checkedForm('MLPRemap', config),
      span: requireNumber('MLPRemap', 'span', config.span ?? 1, Number.MIN_VALUE),
    });
  }

  override build(inputShape: Shape | Shape[]): void {
    this.addWeights(mlpWeights(this.options));
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() =>
      mlpRemapAt(asList(inputs)[0] as Tensor, detailGrid(this.options.span), this.values(), this.options),
    );
  }
}
serialization.registerClass(MLPRemap);
