import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { averagePrecision, type DetectedImage, type Labelled } from '../../src/detection/average_precision.js';
import { type Box, type Boxed, boxOverlap, maskOverlap } from '../../src/detection/overlap.js';
import recorded from '../fixtures/detection/average_precision.json' with { type: 'json' };

interface Thing {
  label: number;
  box: Box;
  mask: number[];
}

/** The pixels whose centres lie in the ellipse in a box, on a square of some pixels. */
function ellipse([top, left, bottom, right]: Box, side: number): number[] {
  const [y, x, height, width] = [(top + bottom) / 2, (left + right) / 2, (bottom - top) / 2, (right - left) / 2];
  return Array.from({ length: side * side }, (_, i) => i).filter(
    (i) => ((Math.floor(i / side) + 0.5 - y) / height) ** 2 + (((i % side) + 0.5 - x) / width) ** 2 <= 1,
  );
}

function thing([label = 0, top = 0, left = 0, bottom = 0, right = 0]: readonly number[]): Thing {
  const box: Box = [top, left, bottom, right];
  return { label, box, mask: ellipse(box, recorded.side) };
}

describe.each(recorded.cases.map((one, i) => [i, one] as const))('case %i of pycocotools', (_, one) => {
  const images: DetectedImage<Thing>[] = one.images.map(({ objects, detections }) => ({
    objects: objects.map(thing),
    detections: detections.map((row) => ({ ...thing(row), score: row[5] as number })),
  }));

  it.each([
    ['boxes', boxOverlap, one.bbox],
    ['masks', maskOverlap, one.segm],
  ] as const)('is the same for %s', (_, overlap, expected) => {
    const { byClass, ...all } = averagePrecision<Thing>(images, overlap, { maxDetections: one.maxDetections });
    for (const key of ['ap', 'ap50', 'ap75', 'recall'] as const) expect(all[key], key).toBeCloseTo(expected[key], 12);
    const known = expected.byClass.flatMap((ap, label) => (ap === -1 ? [] : [[label, ap] as const]));
    expect([...byClass.keys()].sort()).toEqual(known.map(([label]) => label));
    for (const [label, ap] of known) expect(byClass.get(label), `class ${label}`).toBeCloseTo(ap, 12);
  });
});

describe('average precision by hand', () => {
  type Flat = Labelled & Boxed;
  const there = (left: number): Flat => ({ label: 0, box: [0, left, 10, left + 10] });
  const found = (left: number, score: number): Flat & { score: number } => ({
    ...there(left),
    score,
  });
  const of = (objects: number[], detections: [left: number, score: number][]): number =>
    averagePrecision(
      [{ objects: objects.map(there), detections: detections.map(([left, score]) => found(left, score)) }],
      boxOverlap,
    ).ap;

  it('is 1 where everything is found, 0 where nothing is', () => {
    expect(of([0, 20], [[20, 0.4], [0, 0.2]])).toBeCloseTo(1, 12); // biome-ignore format: pairs
    expect(of([0, 20], [])).toBe(0);
    expect(of([0], [[40, 0.9]])).toBe(0);
  });

  it('counts the recalls that are reached: 51 of 101 for one of two objects', () => {
    expect(of([0, 20], [[0, 0.5]])).toBeCloseTo(51 / 101, 12);
  });

  it('asks for precision at each recall: a surer mistake halves it', () => {
    expect(of([0], [[40, 0.9], [0, 0.5]])).toBeCloseTo(1 / 2, 12); // biome-ignore format: pairs
    expect(of([0], [[0, 0.9], [40, 0.5]])).toBeCloseTo(1, 12); // biome-ignore format: pairs
  });

  it('gives an object to one detection only', () => {
    // At recall 1/2 precision 1, then 2/3: the second of three is a double.
    expect(of([0, 20], [[0, 0.9], [0, 0.8], [20, 0.7]])).toBeCloseTo((51 + (50 * 2) / 3) / 101, 12); // biome-ignore format: triples
  });

  it('has an overlap that must be reached, not passed', () => {
    // 5 of 10 columns in a box of half the width: overlap 1/2, good for the lowest of ten thresholds.
    const half = { label: 0, box: [0, 0, 10, 5] as Box, score: 1 };
    const { ap, ap50, ap75 } = averagePrecision([{ objects: [there(0)], detections: [half] }], boxOverlap);
    expect([ap, ap50, ap75]).toEqual([0.1, 1, 0]);
  });

  it('never mixes images or classes', () => {
    const { ap } = averagePrecision<Flat>(
      [
        { objects: [there(0)], detections: [{ ...found(0, 1), label: 1 }] },
        { objects: [], detections: [found(0, 1)] },
      ],
      boxOverlap,
    );
    expect(ap).toBe(0);
  });

  it('says what is wrong', () => {
    const message = 'averagePrecision: images must be some with objects, received "1 without".';
    expect(() => averagePrecision<Flat>([{ objects: [], detections: [found(0, 1)] }], boxOverlap)).toThrow(message);
    const nan = { objects: [there(0)], detections: [found(0, Number.NaN)] };
    expect(() => averagePrecision([nan], boxOverlap)).toThrow(
      'averagePrecision: score must be a number, received NaN.',
    );
    expect(() => averagePrecision<Flat>([], boxOverlap, { maxDetections: 0 })).toThrow('maxDetections');
  });
});

describe('overlaps', () => {
  const sides = fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9), fc.nat(9));
  const box = sides.map(([y, x, height, width]): Box => [y, x, y + height, x + width]);

  it('of boxes are those of their pixels, either way round', () => {
    const pixels = ([top, left, bottom, right]: Box): number[] =>
      Array.from({ length: 400 }, (_, i) => i).filter((i) => {
        const [y, x] = [Math.floor(i / 20), i % 20];
        return y >= top && y < bottom && x >= left && x < right;
      });
    fc.assert(
      fc.property(box, box, (a, b) => {
        const byBox = boxOverlap({ box: a }, { box: b });
        expect(byBox).toBe(maskOverlap({ mask: pixels(a) }, { mask: pixels(b) }));
        expect(byBox).toBe(boxOverlap({ box: b }, { box: a }));
      }),
    );
  });

  it('of something with itself is 1, of nothing 0', () => {
    expect(boxOverlap({ box: [1, 1, 3, 3] }, { box: [1, 1, 3, 3] })).toBe(1);
    expect(maskOverlap({ mask: [2, 3] }, { mask: [2, 3] })).toBe(1);
    expect(boxOverlap({ box: [1, 1, 1, 1] }, { box: [1, 1, 1, 1] })).toBe(0);
    expect(maskOverlap({ mask: [] }, { mask: [] })).toBe(0);
  });
});
