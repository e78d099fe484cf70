import { concat, dispose, image, reshape, slice, type Tensor, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { type LayersModel, model as modelOf, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { requireInteger, requireNumber } from '../core/checks.js';
import { upsampleBilinear } from '../cropr-dense/upsample.js';
import type { Labelled, Scored } from './average_precision.js';
import { type CellLayout, prototypeSize, splitCells } from './cell_layout.js';
import { type Candidate, readCells, readMask } from './decode.js';
import { headOf } from './detection_head_layer.js';
import type { Boxed, Masked } from './overlap.js';

/** An object that {@link detect} found, as {@link averagePrecision} takes it. */
export interface Detection extends Labelled, Scored, Boxed, Masked {
  /** Numbers of its pixels, ascending; none if the model has no masks. */
  readonly mask: Int32Array;
}

/** Options of {@link detect}. */
export interface DetectConfig {
  /** What is not surer than this is left out, in [0, 1]. Default 0.05, right for average precision; 0.3 or more to look at. */
  scoreThreshold?: number;
  /** Of two boxes of a class that overlap at least so much, the surer one stays, in [0, 1]. Default 0.6. */
  iouThreshold?: number;
  /** Most detections of an image, the surest. Default 100. */
  maxDetections?: number;
  /** Images that the model sees at once. Default 32. */
  batchSize?: number;
}

/**
 * Finds objects in images with a {@link detectionTransformer}, trained or stripped of its aux heads.
 *
 * Takes images `[B, height, width, channels]` and returns for each its detections, the surest first: class, score (the root of
 * probability times centre-ness), box in pixels within the image, mask. Per class, of boxes that overlap only the surest is
 * kept (`tf.image.nonMaxSuppressionAsync`). No tensor is left behind.
 *
 * @throws For a model without a {@link DetectionHead} and numbers out of range.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { averagePrecision, boxOverlap, detect, detectionTransformer } from 'tfjs-llf';
 *
 * const model = detectionTransformer({
 *   imageSize: 16, channels: 1, patchSize: 4, dim: 8, depth: 2, heads: 2, classes: 3, masks: {},
 * });
 * const [detections = []] = await detect(model, tf.zeros([1, 16, 16, 1]), { maxDetections: 10 });
 * const objects = [{ label: 1, box: [4, 4, 8, 8] as const }];
 * const { ap50 } = averagePrecision([{ objects, detections }], boxOverlap);
 * if (!(ap50 >= 0 && ap50 <= 1)) throw new Error('an average precision');
 * ```
 */
export async function detect(
  model: LayersModel,
  images: Tensor,
  { scoreThreshold = 0.05, iouThreshold = 0.6, maxDetections = 100, batchSize = 32 }: DetectConfig = {},
): Promise<Detection[][]> {
  const owner = 'detect';
  requireNumber(owner, 'scoreThreshold', scoreThreshold, 0, 1);
  requireNumber(owner, 'iouThreshold', iouThreshold, 0, 1);
  requireInteger(owner, 'maxDetections', maxDetections, 1);
  requireInteger(owner, 'batchSize', batchSize, 1);
  const head = headOf(owner, model);
  const cellsOnly = cellsModel(model, head.output as SymbolicTensor);
  const found: Detection[][] = [];
  // Prototypes in the size of the images are large: those of a batch at a time.
  for (let from = 0; from < (images.shape[0] as number); from += batchSize) {
    const count = Math.min(batchSize, (images.shape[0] as number) - from);
    const batch = slice(images, from, count);
    const { cells, prototypes } = await predictCells(cellsOnly, batch, head.options);
    batch.dispose();
    for (let i = 0; i < count; i++) {
      const own = partOf(cells, i, count);
      const candidates = readCells(own, head.options, scoreThreshold);
      const kept = await suppress(candidates, iouThreshold, maxDetections);
      const maps = prototypes && partOf(prototypes, i, count);
      found.push(
        kept.map((candidate) => {
          const { label, score, box } = candidate;
          const mask = maps ? readMask(candidate, own, maps, head.options) : new Int32Array();
          return { label, score, box, mask };
        }),
      );
    }
  }
  return found;
}

/** The model without the outputs of aux heads. */
function cellsModel(model: LayersModel, cells: SymbolicTensor): LayersModel {
  return model.outputs.length === 1 ? model : modelOf({ inputs: model.inputs, outputs: cells });
}

function partOf(all: Float32Array, i: number, count: number): Float32Array {
  const size = all.length / count;
  return all.subarray(i * size, (i + 1) * size);
}

/** The numbers of all cells without prototypes, and the prototypes in the size of the images. */
async function predictCells(
  model: LayersModel,
  images: Tensor,
  layout: CellLayout,
): Promise<{ cells: Float32Array; prototypes: Float32Array | undefined }> {
  const batchSize = images.shape[0] as number;
  const tensors = tidy(() => {
    const { labels, sides, centerness, masks } = splitCells(model.predict(images, { batchSize }) as Tensor, layout);
    if (!masks) return [concat([labels, sides, centerness], 2)];
    const cells = concat([labels, sides, centerness, masks.coefficients], 2);
    const size = prototypeSize(layout);
    const maps = reshape(masks.prototypes, [cells.shape[0] as number, ...size, layout.prototypes]);
    return [cells, upsampleBilinear(maps, [layout.grid[0] * layout.patchSize, layout.grid[1] * layout.patchSize])];
  });
  try {
    const [cells, prototypes] = await Promise.all(tensors.map((tensor) => tensor.data()));
    return { cells: cells as Float32Array, prototypes: prototypes as Float32Array | undefined };
  } finally {
    dispose(tensors);
  }
}

/** The candidates without those that a surer one of their class covers, the surest first. */
async function suppress(
  candidates: readonly Candidate[],
  iouThreshold: number,
  maxDetections: number,
): Promise<Candidate[]> {
  const kept: Candidate[] = [];
  for (const label of new Set(candidates.map((candidate) => candidate.label))) {
    const own = candidates.filter((candidate) => candidate.label === label);
    const boxes = tensor2d(
      own.flatMap(({ box }) => [...box]),
      [own.length, 4],
    );
    const scores = tensor1d(own.map(({ score }) => score));
    const chosen = await image.nonMaxSuppressionAsync(boxes, scores, maxDetections, iouThreshold);
    for (const place of await chosen.data()) kept.push(own[place] as Candidate);
    dispose([boxes, scores, chosen]);
  }
  return kept.sort((a, b) => b.score - a.score).slice(0, maxDetections);
}
