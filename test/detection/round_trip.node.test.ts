import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Detection } from '../../src/detection/detect.js';
import type { DetectionObject } from '../../src/detection/detection_targets.js';
import { detectIn, perfectOutputs } from './perfect_head.js';
import { pixelsIn, smallDetector } from './small_detector.js';

/** An object within a cell of the grid, around its middle. */
function objectIn(cell: number): fc.Arbitrary<DetectionObject> {
  const span = (from: number): fc.Arbitrary<[number, number]> =>
    fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(3, 4)).map(([a, b]) => [from + a, from + b]);
  return fc
    .tuple(fc.nat(2), span(4 * Math.floor(cell / 3)), span(4 * (cell % 3)))
    .map(([label, [top, bottom], [left, right]]) => ({
      label,
      box: [top, left, bottom, right],
      mask: pixelsIn([top, left, bottom, right]).filter((i) => i % 3 !== 1),
    }));
}

/** Row by row, with the rounding of float32 taken off. */
function inOrder(objects: readonly (DetectionObject | Detection)[]): unknown[] {
  return objects
    .map(({ label, box, mask = [] }) => ({
      label,
      box: box.map((side) => Number(side.toFixed(3))),
      mask: Array.from(mask),
    }))
    .sort((a, b) => Math.sign((a.box[0] ?? 0) - (b.box[0] ?? 0)) || (a.box[1] ?? 0) - (b.box[1] ?? 0));
}

it('targets are what a perfect head says: objects apart are found, every box and pixel', async () => {
  const model = smallDetector({ masks: { prototypes: 6 } });
  const some = fc.subarray([0, 1, 2, 3, 4, 5]).chain((cells) => fc.tuple(...cells.map(objectIn)));
  await fc.assert(
    fc.asyncProperty(some, async (objects) => {
      const [detections = []] = await detectIn(model, perfectOutputs([objects], model));
      expect(inOrder(detections)).toEqual(inOrder(objects));
    }),
  );
  model.dispose();
});
