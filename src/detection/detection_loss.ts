import { add, div, max, maximum, mul, reshape, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { argumentError, requireInteger, requireNumber } from '../core/checks.js';
import { withCleanGradient } from '../ops/clean_gradient.js';
import { boxLoss } from './box_loss.js';
import { type CellLayout, splitCells } from './cell_layout.js';
import { headOf } from './detection_head_layer.js';
import { focalLoss, weightedLogisticLoss } from './focal_loss.js';
import { maskLoss } from './mask_loss.js';
import { multiLabelLoss } from './multi_label_loss.js';

/** Options of {@link detectionLoss}. */
export interface DetectionLossConfig {
  /** Weight of the ones in the focal loss, in [0, 1]; the zeros have the rest. Default 0.25. */
  alpha?: number;
  /** Exponent of the focal loss: how much less what is sure already counts. Default 2. */
  gamma?: number;
  /** Weight of the boxes. Default 1. */
  box?: number;
  /** Weight of centre-ness. Default 1. */
  centerness?: number;
  /** Weight of the masks. Default 1. */
  mask?: number;
  /** Cells of an image that train masks, the most central ones. Default 32. */
  maskSamples?: number;
}

/**
 * Loss of a {@link detectionTransformer} for `compile`; one serves all outputs.
 *
 * For the cells `[B, P, units]` it is a scalar, the sum of four: focal loss of the classes over all cells, per cell with an
 * object; one minus GIoU of the boxes, weighted by centre-ness; cross-entropy of centre-ness over the cells with an object;
 * cross-entropy of the masks within their boxes. A batch without an object has the focal loss alone. For the logits of an aux
 * head `[B, classes]` it is {@link multiLabelLoss}. Targets are those of {@link detectionTargets}; gradients flow to the
 * outputs.
 *
 * @throws For a model without a {@link DetectionHead} and numbers out of range; in use, if targets and outputs differ in shape.
 *
 * Source: FCOS (Tian et al. 2019), YOLACT (Bolya et al. 2019). Token Cropr's own detectors have other heads and losses.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { detectionLoss, detectionTargets, detectionTransformer } from 'tfjs-llf';
 *
 * const model = detectionTransformer({
 *   imageSize: 16, channels: 1, patchSize: 4, dim: 8, depth: 2, heads: 2, classes: 3,
 * });
 * const [cells] = detectionTargets([[]], model) as [tf.Tensor];
 * const loss = detectionLoss(model)(cells, tf.fill(cells.shape, -20)); // nothing there, and nothing found
 * if (!(Number(loss.dataSync()[0]) < 1e-6)) throw new Error('rightly');
 * ```
 */
export function detectionLoss(
  model: LayersModel,
  config: DetectionLossConfig = {},
): (targets: Tensor, outputs: Tensor) => Tensor {
  const owner = 'detectionLoss';
  const weight = (key: 'box' | 'centerness' | 'mask'): number => requireNumber(owner, key, config[key] ?? 1, 0);
  const options = {
    alpha: requireNumber(owner, 'alpha', config.alpha ?? 0.25, 0, 1),
    gamma: requireNumber(owner, 'gamma', config.gamma ?? 2, 0),
    box: weight('box'),
    centerness: weight('centerness'),
    mask: weight('mask'),
    maskSamples: requireInteger(owner, 'maskSamples', config.maskSamples ?? 32, 1),
  };
  const layout = headOf(owner, model).options;
  const ofClasses = multiLabelLoss();
  return (targets, outputs) => {
    if (targets.shape.join() !== outputs.shape.join())
      throw argumentError(owner, 'targets', `of the shape of the outputs [${outputs.shape}]`, targets.shape);
    return outputs.rank === 2 ? ofClasses(targets, outputs) : tidy(() => cellsLoss(targets, outputs, layout, options));
  };
}

/** So small a sum of centre-ness is none. */
const LEAST = 1e-6;

function cellsLoss(
  targets: Tensor,
  outputs: Tensor,
  layout: CellLayout,
  { alpha, gamma, box, centerness, mask, maskSamples }: Required<DetectionLossConfig>,
): Tensor {
  const truth = splitCells(targets, layout);
  const found = splitCells(withCleanGradient(outputs), layout);
  const isObject = max(truth.labels, 2, true);
  const count = maximum(sum(isObject), 1);
  const rows = (x: Tensor, width: number): Tensor => reshape(x, [-1, width]);
  const ofClasses = div(focalLoss(found.labels, truth.labels, alpha, gamma), count);
  const ofBoxes = div(
    boxLoss(rows(found.sides, 4), rows(truth.sides, 4), rows(truth.centerness, 1)),
    maximum(sum(truth.centerness), LEAST),
  );
  const ofCentres = weightedLogisticLoss(found.centerness, truth.centerness, div(isObject, count));
  const ofMasks = maskLoss(found, truth, layout, maskSamples);
  const total = add(ofClasses, add(mul(ofBoxes, box), mul(ofCentres, centerness)));
  return ofMasks ? add(total, mul(ofMasks, mask)) : total;
}
