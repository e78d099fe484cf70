import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect } from 'vitest';
import { accelerateWasm, type WasmAcceleration } from '../../src/wasm/index.js';
import { watchBorders } from './borders.js';

export { numbers, tensorOf } from './numbers.js';

/** The sizes of the blocks of the heap that somebody has written past. */
let crossedBorders = (): number[] => [];

/** Installs the kernels for the tests of a file, over a heap that notices what is written outside of its blocks. */
export function withAcceleration(): void {
  let handle: WasmAcceleration | undefined;
  beforeAll(async () => {
    await tf.setBackend('wasm');
    crossedBorders = watchBorders();
    handle = await accelerateWasm();
    expect(handle.warning).toBe('');
  });
  afterAll(() => handle?.dispose());
}

/** What a computation returns, read out. */
export interface Result {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values: readonly number[];
}

/** Computes on a backend and reads the results; nothing else may stay. */
export function computeOn(backend: 'cpu' | 'wasm', compute: () => tf.Tensor | tf.Tensor[]): Result[] {
  void tf.setBackend(backend);
  const before = tf.memory().numTensors;
  const results = tf.tidy(() => {
    const outputs = compute();
    return (Array.isArray(outputs) ? outputs : [outputs]).map((x) => ({
      shape: x.shape,
      dtype: x.dtype,
      values: [...x.dataSync()],
    }));
  });
  expect(tf.memory().numTensors).toBe(before);
  expect(crossedBorders()).toEqual([]);
  return results;
}

/** Expects the same shapes, dtypes and, within a part of the largest, the same values of both backends. */
export function expectSame(compute: () => tf.Tensor | tf.Tensor[], tolerance = 0): void {
  const [ours, theirs] = [computeOn('wasm', compute), computeOn('cpu', compute)];
  expect(ours.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    theirs.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  ours.forEach(({ values }, i) => {
    const expected = theirs[i]?.values ?? [];
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    const wrong = values.findIndex((value, j) => {
      const other = expected[j] ?? Number.NaN;
      return Number.isNaN(value) !== Number.isNaN(other) || Math.abs(value - other) > tolerance * largest;
    });
    if (wrong >= 0) expect({ place: wrong, value: values[wrong] }).toEqual({ place: wrong, value: expected[wrong] });
  });
}

/** Expects the same shapes and, within 3e-6 of the largest or of 1, the same values: sums of numbers in [-1, 1) may cancel. */
export function expectClose(ours: readonly Result[], theirs: readonly Result[]): void {
  expect(ours.map(({ shape }) => shape)).toEqual(theirs.map(({ shape }) => shape));
  const values = ours.flatMap((result) => result.values);
  const expected = theirs.flatMap((result) => result.values);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? Number.NaN))), 0);
  expect(worst).toBeLessThanOrEqual(3e-6 * largest);
}
