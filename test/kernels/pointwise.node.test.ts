import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gelu } from '../../src/ops/gelu.js';
import { computeOn, expectClose, expectSame, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

/** 1 - erf(x) in float64: a power series near 0, a continued fraction beyond. */
function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2.5) return 1 - erf(x);
  let fraction = 0;
  for (let k = 150; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

function erf(x: number): number {
  if (Math.abs(x) >= 2.5) return 1 - erfc(x);
  let [term, total] = [x, x];
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

const distribution = (x: number): number => erfc(-x * Math.SQRT1_2) / 2;
const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

interface Function {
  readonly op: (x: tf.Tensor) => tf.Tensor;
  readonly exact: (x: number) => number;
  /** Where it is looked at. */
  readonly range: readonly [number, number];
  /** Largest error, absolute and as a part of the value: the larger of the two counts. */
  readonly error: readonly [number, number];
}

const FUNCTIONS: Record<string, Function> = {
  exp: { op: tf.exp, exact: Math.exp, range: [-87, 88.7], error: [0, 1.8e-7] },
  'exp near 0': { op: tf.exp, exact: Math.exp, range: [-2, 2], error: [0, 8e-8] },
  erf: { op: tf.erf, exact: erf, range: [-6, 6], error: [0, 1.3e-7] },
  'erf near 0': { op: tf.erf, exact: erf, range: [-1e-3, 1e-3], error: [0, 1.3e-7] },
  tanh: { op: tf.tanh, exact: Math.tanh, range: [-12, 12], error: [0, 1.5e-7] },
  'tanh near 0': { op: tf.tanh, exact: Math.tanh, range: [-1e-3, 1e-3], error: [0, 1.5e-7] },
  gelu: { op: gelu, exact: (x) => x * distribution(x), range: [-6, 6], error: [1e-7, 1.2e-7] },
  "gelu's tail": { op: gelu, exact: (x) => x * distribution(x), range: [-9, -4], error: [0, 1e-3] },
  "gelu's gradient": {
    op: (x) => tf.grad((x) => gelu(x))(x),
    exact: (x) => distribution(x) + x * density(x),
    range: [-6, 6],
    error: [2e-7, 0],
  },
};

describe.each(Object.entries(FUNCTIONS))('%s', (_name, { op, exact, range: [low, high], error: [absolute, part] }) => {
  it('is that of float64 within its error', () => {
    const inputs = Float32Array.from({ length: 20_001 }, (_, i) => low + ((high - low) * i) / 20_000);
    const [result] = computeOn('wasm', () => op(tf.tensor1d(inputs)));
    let worst = { x: 0, excess: 0, value: 0, expected: 0 };
    inputs.forEach((x, i) => {
      const [value, expected] = [result?.values[i] as number, exact(x)];
      const excess = Math.abs(value - expected) / Math.max(absolute, part * Math.abs(expected), 1e-38);
      if (!(excess <= worst.excess)) worst = { x, excess, value, expected };
    });
    expect(worst.excess, JSON.stringify(worst)).toBeLessThanOrEqual(1);
  });

  it('keeps the shape, whatever the size, and writes nowhere else', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 4 }), fc.nat(), (shape, seed) => {
        const compute = (): tf.Tensor[] => {
          const [before, x, after] = [tensorOf([5], 1), tensorOf(shape, seed), tensorOf([5], 2)];
          return [op(x), before, x, after];
        };
        expectClose(computeOn('wasm', compute), computeOn('cpu', compute));
      }),
      { numRuns: 100 },
    );
  });
});

it('meets NaN, infinity and zero as cpu does', () => {
  const { NaN: not, POSITIVE_INFINITY: most, NEGATIVE_INFINITY: least } = Number;
  const numbers = [not, most, least, 0, 88.6, 89, -104, -1e30, 1e30];
  for (const op of [tf.exp, tf.erf, tf.tanh]) {
    for (const x of numbers) expectSame(() => op(tf.scalar(x)), 1e-6);
  }
  expect(computeOn('wasm', () => gelu(tf.tensor1d([not, most, least, -1e30, 0])))[0]?.values).toEqual([
    not,
    most,
    0,
    0,
    0,
  ]);
});

it('makes no denormal numbers in the tails of GELU', () => {
  const inputs = Float32Array.from({ length: 4001 }, (_, i) => -20 + i / 100);
  const op = (): tf.Tensor[] => [gelu(tf.tensor1d(inputs)), tf.grad((x) => gelu(x))(tf.tensor1d(inputs))];
  const values = computeOn('wasm', op).flatMap((result) => result.values);
  expect(values.filter((value) => value !== 0 && Math.abs(value) < 1.2e-38)).toEqual([]);
});

it('leaves exp of int32 to the stock kernel', () => {
  expectSame(() => tf.exp(tf.tensor1d([1, 2, 3], 'int32')), 1e-6);
});
