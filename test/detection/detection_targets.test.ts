import type * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type DetectionObject, detectionTargets } from '../../src/detection/detection_targets.js';
import { onEachBackend } from '../setup/backends.js';
import { SCENES, smallDetector } from './small_detector.js';

/** The numbers of one cell of a target `[B, 6, units]`. */
function cellOf(cells: tf.Tensor | undefined, image: number, cell: number): number[] {
  return ((cells?.arraySync() ?? []) as number[][][])[image]?.[cell] ?? [];
}

onEachBackend(() => {
  describe('targets', () => {
    it('say class, distances and centre-ness in a cell with an object, nothing elsewhere', () => {
      const model = smallDetector();
      const [cells] = detectionTargets([[{ label: 2, box: [1, 5, 5, 8] }], []], model);
      expect(cells?.shape).toEqual([2, 6, 8]);
      // The middle of cell 1 is (2, 6).
      const [, , , ...numbers] = cellOf(cells, 0, 1);
      expect(cellOf(cells, 0, 1).slice(0, 3)).toEqual([0, 0, 1]);
      [0.25, 0.25, 0.75, 0.5, Math.sqrt(1 / 6)].forEach((value, i) => {
        expect(numbers[i]).toBeCloseTo(value, 6);
      });
      for (const cell of [0, 2, 3, 4, 5]) expect(cellOf(cells, 0, cell)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
      expect(Array.from(cells?.dataSync() ?? []).slice(48)).toEqual(new Array(48).fill(0));
      cells?.dispose();
      model.dispose();
    });

    it('say which object a cell belongs to, and the share of each object in each pixel', () => {
      const model = smallDetector({ masks: { prototypes: 2, resolution: 2 } });
      const [cells] = detectionTargets(SCENES, model);
      const [first, tiny, third, other] = [cellOf(cells, 0, 0), cellOf(cells, 0, 4), cellOf(cells, 0, 2), cellOf(cells, 1, 4)]; // biome-ignore format: cells
      const coefficients = (numbers: number[]): number[] => numbers.slice(8, 10);
      expect([first, tiny, third, other].map(coefficients)).toEqual([
        [1, 0],
        [0, 1],
        // The third object finds no prototype, that of the second image has no mask.
        [0, 0],
        [0, 0],
      ]);
      // Pixels of 2 x 2: three rows in full, then a bar from column 2.
      const pixels = (numbers: number[], k: number): number[] => numbers.slice(10).filter((_, i) => i % 2 === k);
      expect(pixels(first, 0)).toEqual([1, 1, 0.5, 1]);
      expect(pixels(tiny, 0)).toEqual([0.5, 0, 0.25, 0]);
      expect(pixels(tiny, 1)).toEqual([0.5, 0, 0, 0]);
      expect(pixels(other, 0)).toEqual([0, 0, 0, 0]);
      cells?.dispose();
      model.dispose();
    });

    it('say for each aux head which classes are in the image', () => {
      const model = smallDetector({ pruning: { prune: [2, 2] } });
      const targets = detectionTargets([SCENES[0] ?? [], SCENES[1] ?? [], []], model);
      expect(targets.map(({ shape }) => shape)).toEqual(model.outputs.map(({ shape }) => [3, ...shape.slice(1)]));
      expect(targets[2]).toBe(targets[1]);
      expect(targets[1]?.arraySync()).toEqual([
        [1, 0, 1],
        [0, 1, 0],
        [0, 0, 0],
      ]);
      for (const target of new Set(targets)) target.dispose();
      model.dispose();
    });

    it('refuse what is no object', () => {
      const model = smallDetector();
      const of =
        (object: object): (() => unknown) =>
        () =>
          detectionTargets([[], [object as DetectionObject]], model);
      const box = [1, 1, 3, 3];
      expect(of({ label: 3, box })).toThrow(
        'detectionTargets: objects[1]: label must be an integer in [0, 2], received 3.',
      );
      expect(of({ label: 0, box: [1, 1, 1, 3] })).toThrow(
        'detectionTargets: objects[1]: box must be [top, left, bottom, right] within 8 x 12, received [1, 1, 1, 3].',
      );
      expect(of({ label: 0, box: [1, 1, 9, 3] })).toThrow('objects[1]: box must be');
      expect(of({ label: 0, box: [1, Number.NaN, 2, 3] })).toThrow('objects[1]: box must be');
      expect(of({ label: 0, box, mask: [3, 96] })).toThrow(
        'objects[1]: mask[1] must be an integer in [0, 95], received 96.',
      );
      expect(() => detectionTargets([], model, { radius: 0.2 })).toThrow('detectionTargets: radius must be');
      model.dispose();
    });
  });
});
