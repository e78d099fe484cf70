import fc from 'fast-check';
import { randomStream } from 'tfjs-llf';
import { describe, expect, it } from 'vitest';
import {
  BACKGROUND,
  BORDER,
  DenseSceneComposer,
  type DenseSceneConfig,
  type DenseScenes,
  type DigitSet,
} from '../../examples/data/dense_scenes.js';

/** Made-up digits: a stroke with a soft border, another in each class. */
function digits(side: number): DigitSet {
  const labels = Array.from({ length: 10 }, (_, i) => i);
  const pixels = Float32Array.from({ length: 10 * side * side }, (_, i) => {
    const [y, x] = [Math.floor((i % side ** 2) / side), i % side];
    const distance = Math.abs(x - y) + (i % 7) / 7;
    return distance < 1.5 ? 1 - distance / 3 : distance < 2.5 ? 0.3 : 0;
  });
  return { side, pixels, labels };
}

const SETS = [digits(8), digits(12)];
const CONFIG: DenseSceneConfig = { canvas: 32, count: [2, 4], overlap: 0.5, clutter: 3, fragment: 4 };

function scenes(seed: number, config: Partial<DenseSceneConfig> = {}): DenseScenes {
  return new DenseSceneComposer(SETS, { ...CONFIG, ...config }).compose(2, randomStream(seed, 'scenes'));
}

/** Each scene of a few, with its part of images and labels. */
function forEachScene(
  found: DenseScenes,
  body: (objects: DenseScenes['objects'][number], image: Float32Array, labels: Int32Array) => void,
): void {
  const size = CONFIG.canvas ** 2;
  found.objects.forEach((objects, i) => {
    body(objects, found.images.subarray(i * size, (i + 1) * size), found.labels.subarray(i * size, (i + 1) * size));
  });
}

describe('scenes with labels, boxes and masks', () => {
  it('are the same for the same stream, and others for another', () => {
    expect(scenes(1)).toEqual(scenes(1));
    expect(scenes(1).images).not.toEqual(scenes(2).images);
  });

  it('have masks that are their labels, boxes that are tight, and each pixel once', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        forEachScene(scenes(seed), (objects, image, labels) => {
          expect(objects.length).toBeGreaterThan(0);
          const painted = new Int32Array(image.length).fill(-1);
          for (const { label, box, mask } of objects) {
            const [top, left, bottom, right] = [CONFIG.canvas, CONFIG.canvas, 0, 0];
            const bounds = [top, left, bottom, right];
            let [faint, twice] = [0, 0];
            for (const pixel of mask) {
              const [y, x] = [Math.floor(pixel / CONFIG.canvas), pixel % CONFIG.canvas];
              bounds[0] = Math.min(bounds[0] as number, y);
              bounds[1] = Math.min(bounds[1] as number, x);
              bounds[2] = Math.max(bounds[2] as number, y + 1);
              bounds[3] = Math.max(bounds[3] as number, x + 1);
              if ((image[pixel] as number) < 0.5) faint++;
              if (painted[pixel] !== -1) twice++;
              painted[pixel] = label;
            }
            expect([faint, twice]).toEqual([0, 0]);
            expect(box).toEqual(bounds);
          }
          // What no mask has is background, or too faint to tell.
          const wrong = Array.from(labels).filter((label, pixel) =>
            painted[pixel] === -1 ? label !== BACKGROUND && label !== BORDER : label !== painted[pixel],
          );
          expect(wrong).toEqual([]);
          const blackBorder = Array.from(labels).filter((label, pixel) => label === BORDER && image[pixel] === 0);
          expect(blackBorder).toEqual([]);
        });
      }),
      { numRuns: 20 },
    );
  });

  it('overlap where that is allowed, and not where it is not', () => {
    const touching = (overlap: number): number => {
      let pairs = 0;
      for (let seed = 0; seed < 10; seed++) {
        forEachScene(scenes(seed, { overlap, count: [4, 4] }), (objects) => {
          for (const [i, { box: a }] of objects.entries()) {
            for (const { box: b } of objects.slice(i + 1)) {
              if (a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]) pairs++;
            }
          }
        });
      }
      return pairs;
    };
    expect(touching(0)).toBe(0);
    expect(touching(0.9)).toBeGreaterThan(5);
  });

  it('lie where the step allows', () => {
    for (const { objects } of [scenes(1, { step: 8 }), scenes(2, { step: 8 })]) {
      // The made-up digits begin in the corner of their square.
      for (const { box } of objects.flat()) expect([(box[0] as number) % 8, (box[1] as number) % 8]).toEqual([0, 0]);
    }
  });

  it('have clutter that is ink, but background', () => {
    const count = [0, 0] as const;
    const { images, labels, objects } = scenes(3, { count, clutter: 5 });
    expect(objects).toEqual([[], []]);
    expect(labels.every((label) => label === BACKGROUND)).toBe(true);
    expect(images.some((ink) => ink > 0.5)).toBe(true);
    expect(scenes(3, { count, clutter: 0 }).images.every((ink) => ink === 0)).toBe(true);
  });

  it('show every size and every class', () => {
    const { objects } = new DenseSceneComposer(SETS, CONFIG).compose(60, randomStream(1, 'many'));
    const all = objects.flat();
    expect(new Set(all.map(({ label }) => label)).size).toBe(10);
    const heights = all.map(({ box: [top, , bottom] }) => bottom - top);
    expect(Math.min(...heights)).toBeLessThanOrEqual(8);
    expect(Math.max(...heights)).toBeGreaterThan(8);
  });
});
