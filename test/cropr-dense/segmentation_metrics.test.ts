import { describe, expect, it } from 'vitest';
import { confusionMatrix, intersectionOverUnion, meanIoU } from '../../src/cropr-dense/segmentation_metrics.js';

describe('segmentation metrics', () => {
  const counts = confusionMatrix([0, 0, 0, 1, 1, 2, 255], [0, 0, 1, 1, 0, 2, 1], 4);

  it('count pixels by truth and prediction, without those that have no label', () => {
    expect(counts).toEqual([
      [2, 1, 0, 0],
      [1, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 0],
    ]);
  });

  it('give each class its share, and the mean over those that occur', () => {
    expect(intersectionOverUnion(counts)).toEqual([2 / 4, 1 / 3, 1, Number.NaN]);
    expect(meanIoU(counts)).toBeCloseTo((1 / 2 + 1 / 3 + 1) / 3, 12);
    expect(meanIoU(confusionMatrix([0, 1, 1], [0, 1, 1], 2))).toBe(1);
    expect(meanIoU(confusionMatrix([0, 1], [1, 0], 2))).toBe(0);
  });

  it('refuse lengths that differ and predictions that are no class', () => {
    expect(() => confusionMatrix([0], [0, 0], 2)).toThrow(/predictions must be as many as the 1 labels, received 2/);
    expect(() => confusionMatrix([0], [2], 2)).toThrow(/predictions must be an integer in \[0, 1\], received 2/);
    expect(() => confusionMatrix([], [], 0)).toThrow(/classes must be an integer of at least 1/);
  });
});
