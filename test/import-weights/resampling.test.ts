import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { along, cubicMatrix, kernelMatrix, resamplePositions } from '../../src/import-weights/resampling.js';
import { largestError } from '../cropr/golden.js';

const apply = (matrix: number[][], x: readonly number[]): number[] =>
  matrix.map((row) => row.reduce((sum, weight, j) => sum + weight * (x[j] as number), 0));
const dot = (x: readonly number[], y: readonly number[]): number =>
  x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
const side = fc.integer({ min: 1, max: 12 });
const vector = (length: number): fc.Arbitrary<number[]> =>
  fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: length, maxLength: length });
const near = (received: readonly number[], expected: readonly number[], tolerance = 1e-9): void => {
  expect(received).toHaveLength(expected.length);
  expect(largestError(received, expected)).toBeLessThan(tolerance);
};

describe('bicubic resampling', () => {
  it('keeps constants, is symmetric, and is nothing at the same size', () => {
    fc.assert(
      fc.property(side, side, (from, to) => {
        const matrix = cubicMatrix(from, to);
        near(apply(matrix, new Array(from).fill(1)), new Array(to).fill(1));
        near(matrix.flat().reverse(), matrix.flat());
        near(
          cubicMatrix(from, from).flat(),
          Array.from({ length: from * from }, (_, i) => (i % (from + 1) === 0 ? 1 : 0)),
        );
      }),
    );
  });

  it('to twice the size has the weights of the cubic at a quarter', () => {
    // Keys 1981 with a = -1/2 at distances 1.75, 0.75, 0.25, 1.25 of the middle rows.
    near(cubicMatrix(6, 12)[4]?.slice(0, 4) ?? [], [-0.0234375, 0.2265625, 0.8671875, -0.0703125]);
  });

  it('follows a line away from the borders', () => {
    const line = Array.from({ length: 12 }, (_, i) => i + 0.5);
    near(
      apply(cubicMatrix(12, 16), line).slice(4, 12),
      Array.from({ length: 8 }, (_, i) => ((i + 4.5) * 12) / 16),
    );
  });

  it('averages over a wider stretch where it makes smaller', () => {
    const row = cubicMatrix(12, 3)[1] as number[];
    expect(row.filter((weight) => Math.abs(weight) > 1e-12).length).toBe(12);
    near(
      [
        dot(
          row,
          row.map((_, i) => i),
        ),
      ],
      [5.5],
    );
  });
});

describe('the resampling of kernels', () => {
  it('to a larger patch keeps every product of kernel and patch', () => {
    const sizes = fc.tuple(side, side).filter(([from, to]) => from <= to);
    fc.assert(
      fc.property(
        sizes.chain(([from, to]) => fc.tuple(fc.constant(to), vector(from), vector(from))),
        ([to, kernel, patch]) => {
          const from = kernel.length;
          const product = dot(apply(kernelMatrix(from, to), kernel), apply(cubicMatrix(from, to), patch));
          expect(Math.abs(product - dot(kernel, patch))).toBeLessThan(1e-7);
        },
      ),
    );
  });

  it('to a smaller patch and back is nothing', () => {
    // With the pseudo-inverse, B B⁺ = 1 for the wide matrix B of the resampling.
    const [small, large] = [4, 7];
    for (let i = 0; i < small; i++) {
      const unit = Array.from({ length: small }, (_, j) => (i === j ? 1 : 0));
      const inverse = kernelMatrix(large, small);
      const transposed = cubicMatrix(large, small)[0]?.map((_, j) => inverse.map((row) => row[j] as number));
      near(apply(cubicMatrix(large, small), apply(transposed ?? [], unit)), unit, 1e-7);
    }
  });
});

describe('the resampling of positions', () => {
  it('leaves the class token alone and resamples each axis by its own', () => {
    // Feature 0 is the row, feature 1 the column of a cell; the class token stands before them.
    const cells = Array.from({ length: 16 }, (_, i) => [Math.floor(i / 4), i % 4]).flat();
    const values = Float32Array.from([9, 8, ...cells]);
    const resampled = resamplePositions({ shape: [1, 17, 2], values }, 2, 4);
    expect(resampled?.shape).toEqual([1, 9, 2]);
    const rows = apply(cubicMatrix(4, 2), [0, 1, 2, 3]);
    const expected = [9, 8, ...rows.flatMap((row) => [0, 1, 2, 3].flatMap((column) => [row, column]))];
    near(Array.from(resampled?.values ?? []), expected, 1e-6);
  });

  it('knows a grid without a class token, and what is no square', () => {
    const zeros = (count: number): { shape: number[]; values: Float32Array } => ({
      shape: [1, count, 3],
      values: new Float32Array(3 * count),
    });
    expect(resamplePositions(zeros(16), 2, 2)?.shape).toEqual([1, 4, 3]);
    expect(resamplePositions(zeros(18), 2, 2)).toBeUndefined();
  });

  it('works along any axis', () => {
    const values = Float32Array.from({ length: 12 }, (_, i) => i);
    const swap = [
      [0, 1],
      [1, 0],
    ];
    const turned = along({ shape: [3, 2, 2], values }, 1, swap);
    expect(Array.from(turned.values)).toEqual([2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9]);
  });
});
