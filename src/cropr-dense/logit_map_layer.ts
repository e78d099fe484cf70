import { reshape, serialization, slice, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireShape } from '../core/checks.js';
import { asList, ConfiguredLayer, type LayerArgs, type Options, type Shape } from '../core/layer.js';
import { type Grid, requireGrid } from './grid.js';
import { upsampleBilinear } from './upsample.js';

/** Configuration of {@link LogitMap}. */
export interface LogitMapConfig extends LayerArgs {
  /** Rows and columns of the patch grid. */
  grid: Grid;
  /** Height and width of the output in pixels. */
  size: Grid;
}

/**
 * Lays the logits of patches out as a map and enlarges it to the size of the image.
 *
 * **Input** `[B, P, C]` or `[B, 1 + P, C]` float32, row by row; of the latter the first row, the class token's, is left out.
 * **Output** `[B, height, width, C]`, bilinear with half-pixel centres.
 *
 * No weights; gradients flow to the logits. **Errors** when it is connected to another number of tokens than the grid's.
 *
 * Source: the segmentation models of Token Cropr (CVPR 2025), `interpolate` without aligned corners.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { LogitMap } from 'tfjs-llf';
 *
 * const map = new LogitMap({ grid: [4, 4], size: [32, 32] }).apply(tf.randomNormal([2, 17, 5])) as tf.Tensor;
 * if (map.shape.join() !== '2,32,32,5') throw new Error('logits for each pixel');
 * ```
 */
export class LogitMap extends ConfiguredLayer<Options<LogitMapConfig, LayerArgs>> {
  static readonly className: string = 'LLFLogitMap';

  constructor(config: LogitMapConfig) {
    super(config, 'LogitMap', {
      grid: requireGrid('LogitMap', 'grid', config.grid),
      size: requireGrid('LogitMap', 'size', config.size),
    });
  }

  private get patches(): number {
    return this.options.grid[0] * this.options.grid[1];
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = requireShape(this.owner, 'logits', inputShape as Shape, ['batch', 'tokens', 'classes']);
    const extra = (shape[1] as number) - this.patches;
    if (extra !== 0 && extra !== 1)
      throw argumentError(this.owner, 'logits', `those of ${this.patches} patches, or of one token more`, shape);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch = null, , classes = null] = inputShape as Shape;
    return [batch, ...this.options.size, classes];
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const { grid, size } = this.options;
      const logits = asList(inputs)[0] as Tensor;
      const [batch, tokens, classes] = logits.shape as [number, number, number];
      const cells = slice(logits, [0, tokens - this.patches, 0], [batch, this.patches, classes]);
      return upsampleBilinear(reshape(cells, [batch, ...grid, classes]), size);
    });
  }
}
serialization.registerClass(LogitMap);
