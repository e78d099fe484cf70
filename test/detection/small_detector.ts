import type * as tf from '@tensorflow/tfjs';
import type { DetectionObject } from '../../src/detection/detection_targets.js';
import { type DetectionTransformerConfig, detectionTransformer } from '../../src/detection/detection_transformer.js';

/** Images of 8 x 12 pixels, patches of 4 x 4: a grid of 2 x 3 cells, 3 classes. */
export const SMALL: DetectionTransformerConfig = {
  imageSize: [8, 12],
  channels: 1,
  patchSize: 4,
  dim: 8,
  depth: 4,
  heads: 2,
  classes: 3,
  kernelStd: 0.3,
  seed: 1,
};

export const smallDetector = (change: Partial<DetectionTransformerConfig> = {}): tf.LayersModel =>
  detectionTransformer({ ...SMALL, ...change });

/** The pixels of a box in such an image. */
export function pixelsIn([top, left, bottom, right]: DetectionObject['box']): number[] {
  return Array.from({ length: 96 }, (_, i) => i).filter((i) => {
    const [y, x] = [Math.floor(i / 12), i % 12];
    return y >= top && y < bottom && x >= left && x < right;
  });
}

/** Two images: a large and a tiny object of one class over each other, a third; and one object without a mask. */
export const SCENES: readonly (readonly DetectionObject[])[] = [
  [
    { label: 0, box: [0, 0, 6.5, 7], mask: [...pixelsIn([0, 0, 3, 7]), ...pixelsIn([3, 2, 7, 5])] },
    { label: 0, box: [4, 4, 5, 6], mask: [...pixelsIn([4, 4, 5, 6])] },
    { label: 2, box: [1, 7, 4, 12], mask: [...pixelsIn([1, 7, 4, 9])] },
  ],
  [{ label: 1, box: [1, 3, 8, 12] }],
];
