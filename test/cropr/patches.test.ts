import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutPatches, embedPatches } from '../../src/cropr/patches.js';
import { onBackend } from '../contract/layer_runs.js';
import { normal } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';
import { largestError } from './golden.js';

interface Sizes {
  batch: number;
  rows: number;
  columns: number;
  channels: number;
  patch: number;
  dim: number;
}

const sizes: fc.Arbitrary<Sizes> = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  rows: fc.integer({ min: 1, max: 3 }),
  columns: fc.integer({ min: 1, max: 4 }),
  channels: fc.integer({ min: 1, max: 3 }),
  patch: fc.integer({ min: 1, max: 4 }),
  dim: fc.integer({ min: 1, max: 5 }),
});

function inputs({ batch, rows, columns, channels, patch, dim }: Sizes): { image: tf.Tensor4D; kernel: tf.Tensor4D } {
  return {
    image: normal(1, 'image', [batch, rows * patch, columns * patch, channels]) as tf.Tensor4D,
    kernel: normal(1, 'kernel', [patch, patch, channels, dim]) as tf.Tensor4D,
  };
}

/** The convolution that a patch embedding is, on cpu: `[B, P, D]`. */
function convolution(image: tf.Tensor4D, kernel: tf.Tensor4D, patch: number): tf.Tensor {
  const grid = tf.conv2d(image, kernel, patch, 'valid');
  return tf.reshape(grid, [grid.shape[0], -1, grid.shape[3]]);
}

function embedded(image: tf.Tensor, kernel: tf.Tensor): tf.Tensor {
  const bias = tf.zeros([kernel.shape[3] as number]);
  return embedPatches(image, { kernel, bias, classToken: undefined, positions: undefined });
}

onEachBackend((backend) => {
  /** Fewer where each operation is slow. */
  const runs = (count: number): number => (backend === 'webgl' ? Math.ceil(count / 4) : count);

  describe('embedPatches', () => {
    it('is a convolution with stride = kernel size, gradients too', () => {
      fc.assert(
        fc.property(sizes, (size) => {
          const weigh = (tokens: tf.Tensor): tf.Tensor => tf.sum(tf.mul(tokens, normal(1, 'factors', tokens.shape)));
          const run = (forward: (image: tf.Tensor4D, kernel: tf.Tensor4D) => tf.Tensor): ArrayLike<number>[] =>
            tf.tidy(() => {
              const { image, kernel } = inputs(size);
              const gradients = tf.grads((a: tf.Tensor, b: tf.Tensor) =>
                weigh(forward(a as tf.Tensor4D, b as tf.Tensor4D)).asScalar(),
              )([image, kernel]);
              return [forward(image, kernel), ...gradients].map((tensor) => tensor.dataSync().slice());
            }) as unknown as ArrayLike<number>[];
          const received = run(embedded);
          const expected = onBackend('cpu', () => run((image, kernel) => convolution(image, kernel, size.patch)));
          received.forEach((values, i) => {
            expect(values.length).toBe((expected[i] as ArrayLike<number>).length);
            expect(largestError(values, expected[i] as ArrayLike<number>)).toBeLessThanOrEqual(2e-5);
          });
        }),
        { numRuns: runs(15) },
      );
    });

    it('puts the class token first and adds a position to every token', () => {
      tf.tidy(() => {
        const { image, kernel } = inputs({ batch: 2, rows: 2, columns: 3, channels: 1, patch: 2, dim: 4 });
        const [bias, classToken] = [normal(1, 'bias', [4]), normal(1, 'class', [1, 1, 4])];
        const positions = normal(1, 'positions', [1, 7, 4]);
        const tokens = embedPatches(image, { kernel, bias, classToken, positions });
        const patches = tf.add(embedded(image, kernel), bias);
        const expected = tf.add(tf.concat([tf.tile(classToken, [2, 1, 1]), patches], 1), positions);
        expect(tokens.shape).toEqual([2, 7, 4]);
        expect(largestError(tokens.dataSync(), expected.dataSync())).toBeLessThanOrEqual(1e-6);
      });
    });
  });

  describe('cutPatches', () => {
    it('moves every pixel to its patch, row by row, and none else', () => {
      tf.tidy(() => {
        const image = tf.reshape(tf.range(0, 48), [1, 4, 6, 2]);
        const patches = cutPatches(image, 2);
        expect(patches.shape).toEqual([1, 6, 8]);
        const pixel = (row: number, column: number): number[] => [12 * row + 2 * column, 12 * row + 2 * column + 1];
        const expected = [0, 2].flatMap((row) =>
          [0, 2, 4].map((column) => [
            ...pixel(row, column),
            ...pixel(row, column + 1),
            ...pixel(row + 1, column),
            ...pixel(row + 1, column + 1),
          ]),
        );
        expect(patches.arraySync()).toEqual([expected]);
      });
    });
  });
});
