import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layerNorm } from '../../src/ops/layer_norm.js';
import { accelerateWasm } from '../../src/wasm/index.js';
import { computeOn, expectClose, numbers, withAcceleration } from './both_backends.js';

withAcceleration();

interface Case {
  readonly x: Float32Array;
  readonly dy: Float32Array;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly rows: number;
  readonly dim: number;
  readonly epsilon: number;
}

/** Layer normalisation and its gradients in float64: y, dx, dgamma, dbeta. */
function reference({ x, dy, gamma, beta, rows, dim, epsilon }: Case): number[][] {
  const [y, dx] = [new Array<number>(rows * dim).fill(0), new Array<number>(rows * dim).fill(0)];
  const [dgamma, dbeta] = [new Array<number>(dim).fill(0), new Array<number>(dim).fill(0)];
  const average = (value: (j: number) => number): number => {
    let total = 0;
    for (let j = 0; j < dim; j++) total += value(j);
    return total / dim;
  };
  const at = (list: ArrayLike<number>, i: number): number => list[i] as number;
  for (let i = 0; i < rows; i++) {
    const mean = average((j) => at(x, i * dim + j));
    const inverse = 1 / Math.sqrt(average((j) => (at(x, i * dim + j) - mean) ** 2) + epsilon);
    const normalized = (j: number): number => (at(x, i * dim + j) - mean) * inverse;
    const scaled = (j: number): number => at(dy, i * dim + j) * at(gamma, j);
    const [a, b] = [average(scaled), average((j) => scaled(j) * normalized(j))];
    for (let j = 0; j < dim; j++) {
      y[i * dim + j] = normalized(j) * at(gamma, j) + at(beta, j);
      dx[i * dim + j] = inverse * (scaled(j) - a - normalized(j) * b);
      dgamma[j] = at(dgamma, j) + at(dy, i * dim + j) * normalized(j);
      dbeta[j] = at(dbeta, j) + at(dy, i * dim + j);
    }
  }
  return [y, dx, dgamma, dbeta];
}

/** The same with the operation. */
function compute({ x, dy, gamma, beta, rows, dim, epsilon }: Case): tf.Tensor[] {
  const inputs = [tf.tensor2d(x, [rows, dim]), tf.tensor1d(gamma), tf.tensor1d(beta)];
  const run = (...all: tf.Tensor[]): tf.Tensor => {
    const [x, gamma, beta] = all as [tf.Tensor, tf.Tensor, tf.Tensor];
    return layerNorm(x, gamma, beta, epsilon);
  };
  const { value, grads } = tf.valueAndGrads(run)(inputs, tf.tensor2d(dy, [rows, dim]));
  return [value, ...grads];
}

const cases = fc
  .record({
    rows: fc.integer({ min: 1, max: 40 }),
    dim: fc.integer({ min: 1, max: 70 }),
    epsilon: fc.constantFrom(1e-3, 1e-5),
    offset: fc.constantFrom(0, 1, -30),
    seed: fc.nat(),
  })
  .map(({ rows, dim, epsilon, offset, seed }): Case => {
    const [x, dy] = [numbers(rows * dim, seed).map((value) => value + offset), numbers(rows * dim, seed + 1)];
    return { x, dy, gamma: numbers(dim, seed + 2), beta: numbers(dim, seed + 3), rows, dim, epsilon };
  });

/** Largest difference to the reference, per output, as a part of its largest number. */
function errors(values: readonly (readonly number[])[], expected: readonly number[][]): number[] {
  return values.map((list, k) => {
    const other = expected[k] ?? [];
    const largest = other.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    return list.reduce((most, value, i) => Math.max(most, Math.abs(value - (other[i] ?? Number.NaN))), 0) / largest;
  });
}

/** The errors of all outputs on WASM. */
function errorsOf(one: Case): number[] {
  return errors(
    computeOn('wasm', () => compute(one)).map(({ values }) => values),
    reference(one),
  );
}

/** The largest |x| / deviation of a row: by as much the rounding of the numbers themselves moves the normalised ones. */
function condition({ x, rows, dim, epsilon }: Case): number {
  const list = Array.from({ length: rows }, (_, i) => {
    const row = [...x.subarray(i * dim, (i + 1) * dim)];
    const mean = row.reduce((total, value) => total + value, 0) / dim;
    const variance = row.reduce((total, value) => total + (value - mean) ** 2, 0) / dim;
    return row.reduce((most, value) => Math.max(most, Math.abs(value)), 1) / Math.sqrt(variance + epsilon);
  });
  return Math.max(...list);
}

describe('LLFLayerNorm and its gradient', () => {
  it('are those of float64 within a few roundings of the numbers', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const rounding = 3e-6 + 2e-7 * condition(one);
        fc.pre(rounding < 5e-5);
        for (const error of errorsOf(one)) {
          expect(error).toBeLessThanOrEqual(rounding);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are on average as near as the composed operations of the stock backend', async () => {
    const samples = fc.sample(cases, { numRuns: 200, seed: 3 });
    const ours = samples.flatMap(errorsOf);
    (await accelerateWasm()).dispose();
    const theirs = samples.flatMap(errorsOf);
    await accelerateWasm();
    const level = (list: number[]): number =>
      list.reduce((sum, error) => sum + Math.log(error + 1e-9), 0) / list.length;
    expect(level(ours)).toBeLessThan(level(theirs) + Math.log(1.1));
  });

  it('take tensors of every rank and none at all', () => {
    for (const shape of [[5], [2, 3, 5], [2, 1, 2, 5], [0, 5], [3, 0, 5]]) {
      const run = (): tf.Tensor[] => {
        const inputs = [tf.ones(shape), tf.ones([5]), tf.ones([5])];
        const op = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor => layerNorm(x, gamma, beta, 1e-3);
        const { value, grads } = tf.valueAndGrads(op as (...all: tf.Tensor[]) => tf.Tensor)(inputs);
        return [value, ...grads];
      };
      const ours = computeOn('wasm', run);
      expect(ours.map((result) => result.shape)).toEqual([shape, shape, [5], [5]]);
      if (!shape.includes(0)) expectClose(ours, computeOn('cpu', run));
      else expect(ours.slice(2).flatMap(({ values }) => values)).toEqual(new Array(10).fill(0));
    }
  });

  it('give a gradient also when the kernels go between the passes', async () => {
    const one = fc.sample(cases, { numRuns: 1, seed: 7 })[0] as Case;
    await tf.setBackend('wasm');
    const handle = await accelerateWasm();
    const inputs = [tf.tensor2d(one.x, [one.rows, one.dim]), tf.tensor1d(one.gamma), tf.tensor1d(one.beta)];
    const dy = tf.tensor2d(one.dy, [one.rows, one.dim]);
    const run = (...all: tf.Tensor[]): tf.Tensor => {
      const [x, gamma, beta] = all as [tf.Tensor, tf.Tensor, tf.Tensor];
      const y = layerNorm(x, gamma, beta, one.epsilon);
      handle.dispose();
      return y;
    };
    const values = tf
      .valueAndGrads(run)(inputs, dy)
      .grads.map((gradient) => [...gradient.dataSync()]);
    await accelerateWasm();
    for (const error of errors(values, reference(one).slice(1))) expect(error).toBeLessThanOrEqual(1e-5);
    tf.disposeVariables();
  });
});
