import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accelerateCpu } from '../../src/kernels/index.js';
import type { Acceleration } from '../../src/kernels/install.js';
import { hasFused } from '../../src/ops/fused.js';
import { describeRecordedFilter } from '../local-laplacian/recorded_filter.js';
import { computeOn } from './both_backends.js';
import { computeFilter, expectNearly, filterCases } from './filter_cases.js';

const name = 'LLFLocalLaplacian';

describe('the loops of the cpu backend', () => {
  let handle: Acceleration | undefined;
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  afterAll(() => handle?.dispose());

  it('are those of the composed operations, at every size, in every convention, for any band of levels', async () => {
    expect(hasFused(name)).toBe(false);
    const cases = fc.sample(filterCases, { numRuns: 100, seed: 2 });
    const composed = cases.map((one) => computeOn('cpu', () => computeFilter(one)));
    handle = await accelerateCpu();
    expect(hasFused(name) && hasFused(`${name}Grad`)).toBe(true);
    for (const [i, one] of cases.entries()) {
      const looped = computeOn('cpu', () => computeFilter(one));
      expectNearly(looped, composed[i] ?? [], 2e-5);
    }
  });

  describeRecordedFilter();

  it('go as they came, once', async () => {
    expect(await accelerateCpu()).toBe(handle);
    handle?.dispose();
    handle?.dispose();
    expect(hasFused(name)).toBe(false);
    handle = await accelerateCpu();
    expect(handle.kernels).toEqual([name, `${name}Grad`]);
    expect(handle.warning).toBe('');
  });

  it('are refused to another backend', async () => {
    await tf.setBackend('wasm');
    await expect(accelerateCpu()).rejects.toThrow('accelerateCpu: backend must be "cpu"');
    await tf.setBackend('cpu');
  });
});
