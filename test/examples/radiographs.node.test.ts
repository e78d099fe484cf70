import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cropped, type GreyImage, percentileWindow, windowed } from '../../examples/data/grey_image.js';
import { phantom } from '../../examples/data/phantom.js';
import { readPng, writePng } from '../../examples/data/png.js';
import { angiogram, chestScout, readDicom } from '../../examples/data/radiographs.js';

const images: fc.Arbitrary<GreyImage> = fc
  .record({ height: fc.integer({ min: 1, max: 9 }), width: fc.integer({ min: 1, max: 9 }), seed: fc.nat() })
  .map(({ height, width, seed }) => ({
    height,
    width,
    values: Float32Array.from({ length: height * width }, (_, i) => ((seed + i * 7919) % 1009) / 1008),
  }));

const range = (values: ArrayLike<number>): [number, number] => [
  Math.min(...Array.from(values)),
  Math.max(...Array.from(values)),
];

describe('PNG', () => {
  it.each([8, 16] as const)('of %s bits keeps sizes and grey values', (depth) => {
    fc.assert(
      fc.property(images, (image) => {
        const read = readPng(writePng(image, depth));
        expect([read.height, read.width]).toEqual([image.height, image.width]);
        image.values.forEach((value, i) => {
          expect(Math.abs((read.values[i] as number) - value)).toBeLessThanOrEqual(0.5001 / (2 ** depth - 1));
        });
      }),
      { numRuns: 30 },
    );
  });

  it('cuts what lies beyond black and white', () => {
    const { values } = readPng(writePng({ height: 1, width: 2, values: Float32Array.of(-1, 3) }));
    expect([...values]).toEqual([0, 1]);
  });
});

describe('a window', () => {
  it('maps its ends to black and white, and cuts the rest', () => {
    expect([...windowed([-10, 0, 50, 100, 300], 50, 100)]).toEqual([0, 0, 0.5, 1, 1]);
    expect(() => windowed([1], 0, 0)).toThrow('windowed: width must be a positive number, received 0.');
  });

  it('of percentiles leaves the outermost values out', () => {
    const values = Array.from({ length: 1001 }, (_, i) => (i === 0 ? -1e6 : i));
    expect(percentileWindow(values, 0.01)).toEqual({ center: 500, width: 980 });
  });
});

describe('DICOM', () => {
  it('is read: a chest of 16 bits', async () => {
    const chest = await chestScout();
    expect([chest.height, chest.width]).toEqual([400, 512]);
    expect(range(cropped(chest, 100, 100, 100, 100).values)[1]).toBeGreaterThan(0.4);
    expect(chest.values.filter((value) => value > 0 && value < 1).length).toBeGreaterThan(0.5 * 400 * 512);
  });

  it('is read: the frames of an angiogram, each much like the next', async () => {
    const frames = await angiogram();
    expect(frames).toHaveLength(96);
    const difference = (a: GreyImage, b: GreyImage): number =>
      a.values.reduce((sum, value, i) => sum + Math.abs(value - (b.values[i] as number)), 0) / a.values.length;
    const [first, second] = frames as [GreyImage, GreyImage];
    expect(difference(first, second)).toBeGreaterThan(0);
    expect(difference(first, second)).toBeLessThan(0.1);
  });

  it('is refused if it is none', () => {
    expect(() => readDicom(Uint8Array.from({ length: 300 }, (_, i) => i % 7))).toThrow('readDicom');
  });
});

describe('the phantom', () => {
  it('is drawn by its seed, on a background of exactly 0, with white lead', () => {
    const image = phantom(1, 64);
    expect(phantom(1, 64)).toEqual(image);
    expect(phantom(2, 64)).not.toEqual(image);
    expect(range(image.values)).toEqual([0, 1]);
    expect(image.values.filter((value) => value === 0).length).toBeGreaterThan(0.2 * 64 * 64);
  });
});
