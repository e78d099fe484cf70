import { cast, gather, oneHot, reshape, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { argumentError, requireShape } from '../core/checks.js';
import type { Grid } from './grid.js';

/** For each of `to` places the nearest of `from`, as torch has it: `floor(i · from / to)`. */
function nearest(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to }, (_, i) => Math.floor((i * from) / to));
}

/**
 * Shrinks label maps to a grid by taking the nearest pixel, no averages of labels: `[B, H, W]` int32 → `[B, rows, columns]`
 * int32.
 *
 * The pixel of cell i is `floor(i · H / rows)`, as torch's `interpolate(mode='nearest')` has it.
 *
 * @throws If the labels are not of rank 3.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { downsampleLabels } from 'tfjs-llf';
 *
 * const labels = tf.tensor3d([[[1, 1, 2, 2], [1, 1, 2, 2]]], [1, 2, 4], 'int32');
 * if (downsampleLabels(labels, [1, 2]).dataSync().join() !== '1,2') throw new Error('one label per cell');
 * ```
 */
export function downsampleLabels(labels: Tensor, [rows, columns]: Grid): Tensor {
  const [, height, width] = requireShape('downsampleLabels', 'labels', labels.shape, ['batch', 'height', 'width']);
  return tidy(() => {
    const pick = (from: number, to: number): ReturnType<typeof tensor1d> => tensor1d(nearest(from, to), 'int32');
    const picked = gather(labels, pick(height as number, rows), 1);
    return cast(gather(picked, pick(width as number, columns), 2), 'int32');
  });
}

/**
 * Targets for every output of a segmentation model from label maps `[B, H, W]` int32: one-hot `[B, H, W, C]` for the
 * logits in full size, one-hot `[B, P, C]` of the labels at the grid for each aux head.
 *
 * A label that is no class (255 by custom) becomes a row of zeros, which {@link segmentationLoss} leaves out. Dispose the
 * targets after use.
 *
 * @throws If the labels do not have the size of the model's map.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { segmentationLoss, segmentationTargets, segmentationTransformer } from 'tfjs-llf';
 *
 * const model = segmentationTransformer({
 *   imageSize: 16, channels: 1, patchSize: 4, dim: 8, depth: 4, heads: 2, classes: 3, pruning: { prune: 4 },
 * });
 * model.compile({ optimizer: 'adam', loss: segmentationLoss() });
 * const labels = tf.randomUniform([2, 16, 16], 0, 3, 'int32');
 * await model.fit(tf.zeros([2, 16, 16, 1]), segmentationTargets(labels, model), { verbose: 0 });
 * ```
 */
export function segmentationTargets(labels: Tensor, model: LayersModel): Tensor[] {
  const [, height = null, width = null, classes = null] = model.outputs[0]?.shape ?? [];
  requireShape('segmentationTargets', 'labels', labels.shape, ['batch', height, width]);
  const full = oneHotOf(labels, classes as number);
  let cells: { count: number; targets: Tensor } | undefined;
  return model.outputs.map(({ shape }) => {
    if (shape.length === 4) return full;
    if (shape.length !== 3)
      throw argumentError('segmentationTargets', 'model', 'one of maps and aux heads per patch', shape);
    const count = shape[1] as number;
    if (cells?.count !== count) cells = { count, targets: cellTargets(labels, count, classes as number) };
    return cells.targets;
  });
}

/** One-hot float32 `[..., C]`. (On WASM `oneHot` itself returns whole numbers, whatever type is asked for.) */
function oneHotOf(labels: Tensor, classes: number): Tensor {
  return tidy(() => cast(oneHot(labels as Parameters<typeof oneHot>[0], classes), 'float32'));
}

/** One-hot `[B, P, C]` of the labels at a grid of P cells with the aspect of the map. */
function cellTargets(labels: Tensor, count: number, classes: number): Tensor {
  const [batch, height, width] = labels.shape as [number, number, number];
  const rows = Math.round(Math.sqrt((count * height) / width));
  return tidy(() => {
    const cells = downsampleLabels(labels, [rows, count / rows]);
    const targets = oneHotOf(cells, classes);
    return reshape(targets, [batch, count, classes]);
  });
}
