import { argumentError, requireInteger } from '../core/checks.js';

/**
 * Counts of pixels by true and predicted class: `counts[truth][prediction]`.
 *
 * Takes labels and predictions of the same length, as plain numbers; pixels whose label is no class are left out.
 *
 * @throws If the lengths differ or a prediction is no class.
 *
 * @example
 * ```ts
 * import { confusionMatrix, meanIoU } from 'tfjs-llf';
 *
 * const counts = confusionMatrix([0, 0, 1, 255], [0, 1, 1, 1], 2);
 * if (meanIoU(counts) !== 0.5) throw new Error('each class: one of two pixels');
 * ```
 */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predictions: ArrayLike<number>,
  classes: number,
): number[][] {
  requireInteger('confusionMatrix', 'classes', classes, 1);
  if (labels.length !== predictions.length)
    throw argumentError('confusionMatrix', 'predictions', `as many as the ${labels.length} labels`, predictions.length);
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) {
    const row = counts[labels[i] as number];
    const predicted = requireInteger('confusionMatrix', 'predictions', predictions[i], 0, classes - 1);
    if (row) row[predicted] = (row[predicted] as number) + 1;
  }
  return counts;
}

/**
 * Intersection over union of each class: true positives / (true positives + false positives + false negatives); NaN for a
 * class that is neither there nor predicted.
 *
 * Takes the counts of {@link confusionMatrix}.
 *
 * @example
 * ```ts
 * import { intersectionOverUnion } from 'tfjs-llf';
 *
 * const [background, digit] = intersectionOverUnion([[3, 1], [0, 2]]);
 * if (background !== 3 / 4 || digit !== 2 / 3) throw new Error('3 of 4, and 2 of 3 pixels');
 * ```
 */
export function intersectionOverUnion(counts: readonly (readonly number[])[]): number[] {
  return counts.map((row, c) => {
    const inTruth = row.reduce((sum, count) => sum + count, 0);
    const inPrediction = counts.reduce((sum, other) => sum + (other[c] as number), 0);
    const both = row[c] as number;
    return both / (inTruth + inPrediction - both);
  });
}

/** Mean of {@link intersectionOverUnion} over the classes that are there or predicted: mIoU, in [0, 1]. */
export function meanIoU(counts: readonly (readonly number[])[]): number {
  const known = intersectionOverUnion(counts).filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
