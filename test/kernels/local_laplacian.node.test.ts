import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FilterSetting, fastFilter } from '../../src/local-laplacian/fast_filter.js';
import { gaussRemap, parisRemap, type Remap, tableRemap } from '../../src/local-laplacian/remap.js';
import { hasFused } from '../../src/ops/fused.js';
import { accelerateWasm } from '../../src/wasm/index.js';
import { largestError } from '../cropr/golden.js';
import { describeRecordedFilter } from '../local-laplacian/recorded_filter.js';
import { computeOn, numbers, type Result, withAcceleration } from './both_backends.js';

withAcceleration();

interface Case extends FilterSetting {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly remap: 'gauss' | 'paris' | 'parisBlended' | number;
  readonly alpha: number;
  readonly seed: number;
}

const cases: fc.Arbitrary<Case> = fc
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
function tensorsOf({ batch, height, width, remap, alpha, seed }: Case): tf.Tensor[] {
  const shape = [batch, height, width, 1];
  const size = batch * height * width;
  const image = tf.tensor(
    numbers(size, seed).map((value) => 0.5 + 0.7 * value),
    shape,
  );
  const parameters = typeof remap === 'number' ? [numbers(remap, seed + 1)] : [[0.3], [alpha], [0.9]];
  return [image, tf.tensor([1.3]), ...parameters.map((values) => tf.tensor(values))];
}

function remapOf({ remap, range: [low, high] }: Case): Remap {
  if (typeof remap === 'number') return tableRemap(high - low);
  return remap === 'gauss' ? gaussRemap : parisRemap(remap === 'parisBlended');
}

/** The filtered images and all gradients. */
function compute(one: Case): tf.Tensor[] {
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

function expectNearly(ours: readonly Result[], theirs: readonly Result[], tolerance: number): void {
  expect(ours.map(({ shape }) => shape)).toEqual(theirs.map(({ shape }) => shape));
  ours.forEach(({ values }, i) => {
    const expected = theirs[i]?.values ?? [];
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    expect(largestError(values, expected), `result ${i}`).toBeLessThanOrEqual(tolerance * largest);
  });
}

describe('LLFLocalLaplacian and its gradient', () => {
  it('are those of the composed operations, at every size, in every convention, for any band of levels', () => {
    expect(hasFused('LLFLocalLaplacian') && hasFused('LLFLocalLaplacianGrad')).toBe(true);
    fc.assert(
      fc.property(cases, (one) => {
        const theirs = computeOn('cpu', () => compute(one));
        expectNearly(
          computeOn('wasm', () => compute(one)),
          theirs,
          2e-5,
        );
      }),
      { numRuns: 120 },
    );
  });

  describe('on wasm', () => {
    beforeAll(async () => void (await tf.setBackend('wasm')));
    describeRecordedFilter((value) => 2 * value);
  });

  it('give a gradient also when the kernels go between the passes', async () => {
    const one = fc.sample(cases, { numRuns: 1, seed: 5 })[0] as Case;
    const expected = computeOn('cpu', () => compute(one)).slice(1);
    await tf.setBackend('wasm');
    const handle = await accelerateWasm();
    const inputs = tensorsOf(one);
    const run = (...all: tf.Tensor[]): tf.Tensor => {
      const [image, gain, ...parameters] = all as [tf.Tensor, tf.Tensor];
      const value = fastFilter(image, gain, remapOf(one), parameters, one);
      handle.dispose();
      return value;
    };
    const dy = tf.tensor(numbers(one.batch * one.height * one.width, one.seed + 2), inputs[0]?.shape);
    const { grads } = tf.valueAndGrads(run)(inputs, dy);
    grads.forEach((gradient, i) => {
      expect(largestError([...gradient.dataSync()], expected[i]?.values ?? [])).toBeLessThanOrEqual(1e-4);
    });
    await accelerateWasm();
    tf.dispose([inputs, dy, grads]);
  });
});
