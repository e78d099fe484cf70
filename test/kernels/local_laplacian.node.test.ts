import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FilterSetting, fastFilter } from '../../src/local-laplacian/fast_filter.js';
import { localLaplacian } from '../../src/local-laplacian/local_laplacian.js';
import { gaussRemap, tableRemap } from '../../src/local-laplacian/remap.js';
import { hasFused } from '../../src/ops/fused.js';
import { accelerateWasm } from '../../src/wasm/index.js';
import { decode, largestError } from '../cropr/golden.js';
import fast from '../fixtures/local-laplacian/fast_llf.json' with { type: 'json' };
import images from '../fixtures/local-laplacian/images.json' with { type: 'json' };
import { imageArray, imageOf } from '../local-laplacian/golden.js';
import { computeOn, numbers, type Result, withAcceleration } from './both_backends.js';

withAcceleration();

interface Case extends FilterSetting {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly table: number;
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
    range: fc.constantFrom([0, 1] as const, [-0.6, 0.9] as const),
    band: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 7 })),
    table: fc.constantFrom(0, 0, 9, 65),
    seed: fc.nat(1000),
  })
  .map(({ band: [from, more], ...others }) => ({ ...others, from, to: from + more }));

/** Images, gradients of the output, parameters. */
function tensorsOf({ batch, height, width, table, seed }: Case): tf.Tensor[] {
  const shape = [batch, height, width, 1];
  const size = batch * height * width;
  const image = tf.tensor(
    numbers(size, seed).map((value) => 0.5 + 0.7 * value),
    shape,
  );
  const parameters = table > 0 ? [numbers(table, seed + 1)] : [[0.3], [0.8], [0.9]];
  return [image, tf.tensor([1.3]), ...parameters.map((values) => tf.tensor(values))];
}

/** The filtered images and all gradients. */
function compute(one: Case): tf.Tensor[] {
  const { batch, height, width, seed, range } = one;
  const inputs = tensorsOf(one);
  const run = (...all: tf.Tensor[]): tf.Tensor => {
    const [image, gain, ...parameters] = all as [tf.Tensor, tf.Tensor];
    const remap = one.table > 0 ? tableRemap(range[1] - range[0]) : gaussRemap;
    return fastFilter(image, gain, remap, parameters, one);
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

  it('give the recorded images', () => {
    for (const one of fast.cases.filter(({ variant }) => variant === 'gauss')) {
      const { sigma, alpha, beta, pyramid, nlev: levels, K: samples } = one;
      const [{ values } = { values: [] }] = computeOn('wasm', () =>
        localLaplacian(imageOf(images[one.image as '37x53']), {
          sigma,
          alpha,
          beta,
          pyramid: pyramid as 'paris',
          levels,
          samples,
        }),
      );
      const limit = samples === 64 ? 5e-6 : 2e-6;
      expect(largestError(values, imageArray(one.output).values), one.set).toBeLessThanOrEqual(limit);
    }
    expect(decode(images['37x53']).shape).toEqual([37, 53]);
  });

  it('give a gradient also when the kernels go between the passes', async () => {
    const one = fc.sample(cases, { numRuns: 1, seed: 5 })[0] as Case;
    const expected = computeOn('cpu', () => compute(one)).slice(1);
    await tf.setBackend('wasm');
    const handle = await accelerateWasm();
    const inputs = tensorsOf(one);
    const run = (...all: tf.Tensor[]): tf.Tensor => {
      const [image, gain, ...parameters] = all as [tf.Tensor, tf.Tensor];
      const remap = one.table > 0 ? tableRemap(one.range[1] - one.range[0]) : gaussRemap;
      const value = fastFilter(image, gain, remap, parameters, one);
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
