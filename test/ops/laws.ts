import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { randomStream } from '../../src/core/random.js';
import type { Backend } from '../setup/backends.js';

/** Plain float32 numbers and their shape. */
export interface Plain {
  shape: number[];
  values: number[];
}

/** Normal numbers that float32 holds exactly. */
export function plain(shape: number[], name: string, seed = 1): Plain {
  const stream = randomStream(seed, name);
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, values: Array.from({ length: size }, () => Math.fround(stream.normal())) };
}

export function toTensor({ shape, values }: Plain): tf.Tensor {
  return tf.tensor(values, shape, 'float32');
}

/** An operation and what it should compute, in float64 on flat row-major lists. */
export interface Law {
  op: (...inputs: tf.Tensor[]) => tf.Tensor;
  reference: (...inputs: number[][]) => number[];
  inputs: Plain[];
  shape: number[];
  /** Largest difference, relative to the largest number expected or 1. */
  tolerance?: number;
}

/**
 * The operation equals its reference; the gradient of each input, for a random gradient of the output, equals central
 * differences of the reference (in float64, so that they are exact to 1e-9); nothing is left in memory.
 */
export function expectLaw({ op, reference, inputs, shape, tolerance = 1e-5 }: Law): void {
  const weights = plain(shape, 'gradient of the output').values;
  const { numTensors } = tf.memory();
  const tensors = inputs.map(toTensor);
  const value = op(...tensors);
  expect(tf.memory().numTensors).toBe(numTensors + tensors.length + 1);
  expect(value.shape).toEqual(shape);
  expect(value.dtype).toBe('float32');
  const lists = inputs.map(({ values }) => values);
  expectNear(value, reference(...lists), tolerance);
  const dy = tf.tensor(weights, shape);
  const gradients = tf.grads((...args) => op(...args))(tensors, dy);
  expect(tf.memory().numTensors).toBe(numTensors + 2 * tensors.length + 2);
  gradients.forEach((gradient, i) => {
    expect(gradient.shape).toEqual(inputs[i]?.shape);
    expectNear(gradient, differences(reference, lists, i, weights), 4 * tolerance);
  });
  tf.dispose([tensors, value, dy, gradients]);
  expect(tf.memory().numTensors).toBe(numTensors);
}

/** Gradient of `sum(weights * reference)` with respect to one input, by central differences. */
function differences(reference: Law['reference'], lists: number[][], which: number, weights: number[]): number[] {
  const step = 1e-5;
  const at = (values: number[]): number =>
    reference(...lists.map((list, i) => (i === which ? values : list))).reduce(
      (sum, value, i) => sum + value * (weights[i] as number),
      0,
    );
  const list = lists[which] as number[];
  const moved = (k: number, by: number): number[] => list.map((value, i) => (i === k ? value + by : value));
  return list.map((_, k) => (at(moved(k, step)) - at(moved(k, -step))) / (2 * step));
}

export function expectNear(received: tf.Tensor, expected: readonly number[], tolerance = 1e-5): void {
  const values = received.dataSync();
  expect(values).toHaveLength(expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  expected.forEach((value, i) => {
    const difference = Math.abs((values[i] as number) - value);
    expect(difference, `entry ${i}: ${values[i]} for ${value}`).toBeLessThanOrEqual(tolerance * scale);
  });
}

/** Random cases for a property: few on webgl, which compiles a program for each shape. */
export const runs = (backend: Backend): { numRuns: number } => ({ numRuns: backend === 'webgl' ? 4 : 25 });
