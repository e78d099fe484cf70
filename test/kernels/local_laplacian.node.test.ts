import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { fastFilter } from '../../src/local-laplacian/fast_filter.js';
import { hasFused } from '../../src/ops/fused.js';
import { accelerateWasm } from '../../src/wasm/index.js';
import { largestError } from '../cropr/golden.js';
import { describeRecordedFilter } from '../local-laplacian/recorded_filter.js';
import { computeOn, numbers, withAcceleration } from './both_backends.js';
import { type Case, computeFilter, expectNearly, filterCases, remapOf, tensorsOf } from './filter_cases.js';

withAcceleration();

describe('LLFLocalLaplacian and its gradient', () => {
  it('are those of the composed operations, at every size, in every convention, for any band of levels', () => {
    expect(hasFused('LLFLocalLaplacian') && hasFused('LLFLocalLaplacianGrad')).toBe(true);
    fc.assert(
      fc.property(filterCases, (one) => {
        const theirs = computeOn('cpu', () => computeFilter(one));
        expectNearly(
          computeOn('wasm', () => computeFilter(one)),
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
    const one = fc.sample(filterCases, { numRuns: 1, seed: 5 })[0] as Case;
    const expected = computeOn('cpu', () => computeFilter(one)).slice(1);
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
