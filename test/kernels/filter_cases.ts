import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect } from 'vitest';
import { type FilterSetting, fastFilter } from '../../src/local-laplacian/fast_filter.js';
import { gaussRemap, parisRemap, type Remap, tableRemap } from '../../src/local-laplacian/remap.js';
import { largestError } from '../cropr/golden.js';
import type { Result } from './both_backends.js';
import { numbers } from './numbers.js';

/** A filter, and what it filters. */
export interface Case extends FilterSetting {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly remap: 'gauss' | 'paris' | 'parisBlended' | number;
  readonly alpha: number;
  readonly seed: number;
}

export const filterCases: fc.Arbitrary<Case> = fc
  .record({
    batch: fc.integer({ min: 1, max: 2 }),
    height: fc.integer({ min: 1, max: 34 }),
    width: fc.integer({ min: 1, max: 34 }),
    pyramid: fc.constantFrom('paris' as const, 'opencv' as const, 'lin' as const),
    levels: fc.integer({ min: 1, max: 7 }),
    samples: fc.integer({ min: 2, max: 6 }),
    // Exact in float32: near a sample the slope of Paris is so steep that its last bit shows.
    range: fc.constantFrom([0, 1] as const, [-0.625, 0.875] as const),
    band: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 7 })),
    // A number is that of the nodes of a table.
    remap: fc.constantFrom('gauss' as const, 'paris' as const, 'parisBlended' as const, 9, 65),
    alpha: fc.constantFrom(0.4, 1, 1.8),
    seed: fc.nat(1000),
  })
  .map(({ band: [from, more], ...others }) => ({ ...others, from, to: from + more }));

/** Images, gradients of the output, parameters. */
export function tensorsOf({ batch, height, width, remap, alpha, seed }: Case): tf.Tensor[] {
  const shape = [batch, height, width, 1];
  const size = batch * height * width;
  const image = tf.tensor(
    numbers(size, seed).map((value) => 0.5 + 0.7 * value),
    shape,
  );
  const parameters = typeof remap === 'number' ? [numbers(remap, seed + 1)] : [[0.3], [alpha], [0.9]];
  return [image, tf.tensor([1.3]), ...parameters.map((values) => tf.tensor(values))];
}

export function remapOf({ remap, range: [low, high] }: Case): Remap {
  if (typeof remap === 'number') return tableRemap(high - low);
  return remap === 'gauss' ? gaussRemap : parisRemap(remap === 'parisBlended');
}

/** The filtered images and all gradients. */
export function computeFilter(one: Case): tf.Tensor[] {
  const { batch, height, width, seed } = one;
  const inputs = tensorsOf(one);
  const run = (...all: tf.Tensor[]): tf.Tensor => {
    const [image, gain, ...parameters] = all as [tf.Tensor, tf.Tensor];
    return fastFilter(image, gain, remapOf(one), parameters, one);
  };
  const dy = tf.tensor(numbers(batch * height * width, seed + 2), [batch, height, width, 1]);
  const { value, grads } = tf.valueAndGrads(run)(inputs, dy);
  return [value, ...grads];
}

/** Expects the same within a part of the largest number, or of 1. */
export function expectNearly(ours: readonly Result[], theirs: readonly Result[], tolerance: number): void {
  expect(ours.map(({ shape }) => shape)).toEqual(theirs.map(({ shape }) => shape));
  ours.forEach(({ values }, i) => {
    const expected = theirs[i]?.values ?? [];
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    expect(largestError(values, expected), `result ${i}`).toBeLessThanOrEqual(tolerance * largest);
  });
}
