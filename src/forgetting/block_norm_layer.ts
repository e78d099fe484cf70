import {
  add,
  cast,
  div,
  equal,
  mean,
  onesLike,
  serialization,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { initializers } from '@tensorflow/tfjs-layers';
import { asList, ConfiguredLayer, type LayerArgs, type Shape } from '../core/layer.js';

/** Mean and unbiased deviation over all axes but the last; a constant channel has deviation 1. */
export function channelMoments(x: Tensor): { mean: Tensor; deviation: Tensor } {
  return tidy(() => {
    const axes = x.shape.map((_, axis) => axis).slice(0, -1);
    const count = axes.reduce((product, axis) => product * (x.shape[axis] as number), 1);
    const centre = mean(x, axes);
    const spread = sqrt(div(sum(square(sub(x, centre)), axes), Math.max(count - 1, 1)));
    return { mean: centre, deviation: add(spread, cast(equal(spread, 0), 'float32')) };
  });
}

/**
 * The fixed normalisation between blocks that layer-wise re-initialisation switches on: subtracts a mean and divides by a
 * deviation per channel, which it takes from one batch and then keeps.
 *
 * **Input** `[B, ..., C]` float32. **Output** the same shape. It passes its input on until {@link layerwise} (or `capture`)
 * asks it to measure the next batch. **Weights** `mean` and `deviation`, `[C]`, not trained. Gradients flow to the input;
 * mean and deviation count as constants.
 *
 * Source: Alabdulmohsin et al., "The Impact of Reinitialization on Generalization in Convolutional Neural Networks"
 * (2021), in the form of Fortuitous Forgetting's code.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { BlockNorm } from 'tfjs-llf';
 *
 * const norm = new BlockNorm();
 * const x = tf.randomNormal([8, 3], 5, 2);
 * norm.apply(x); // passes on
 * norm.capture();
 * tf.mean(norm.apply(x) as tf.Tensor).print(); // about 0
 * ```
 */
export class BlockNorm extends ConfiguredLayer<object> {
  static readonly className: string = 'LLFBlockNorm';
  private waiting = false;

  constructor(config: LayerArgs = {}) {
    super(config, 'BlockNorm', {});
  }

  /** Measures the next batch and normalises by it from then on. */
  capture(): void {
    this.waiting = true;
  }

  /** Passes its input on again. */
  release(): void {
    this.waiting = false;
    tidy(() => this.setWeights(this.getWeights().map((weight, i) => (i === 0 ? zerosLike(weight) : onesLike(weight)))));
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = asList(inputShape as Shape);
    const width = shape[shape.length - 1] as number;
    const { zeros, ones } = initializers;
    this.addWeight('mean', [width], 'float32', zeros(), undefined, false);
    this.addWeight('deviation', [width], 'float32', ones(), undefined, false);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return [...inputShape];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const [x] = asList(inputs) as [Tensor];
      if (this.waiting) {
        this.waiting = false;
        const measured = channelMoments(x);
        this.setWeights([measured.mean, measured.deviation]);
      }
      const [centre, deviation] = this.getWeights() as [Tensor, Tensor];
      return div(sub(x, centre), deviation);
    });
  }
}
serialization.registerClass(BlockNorm);
