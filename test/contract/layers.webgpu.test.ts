import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import '../../src/index.js';
import { largestError } from '../cropr/golden.js';
import type { Backend } from '../setup/backends.js';
import { rowState, type State, tensorsOf } from './layer_runs.js';
import { type LayerRow, layerRows } from './layers.js';

/** The outputs and gradients of a row, read as webgpu wants it: the laws for all backends read with `dataSync()`. */
async function runOn(backend: Backend, row: LayerRow, state: State) {
  expect(await tf.setBackend(backend)).toBe(true);
  const tensors = tensorsOf(row, state);
  const read = await Promise.all(
    tensors.map(async (tensor) => ({ kind: tensor && [tensor.shape, tensor.dtype], values: await tensor?.data() })),
  );
  tf.dispose(tensors);
  return read;
}

beforeAll(async () => {
  await tf.setBackend('webgpu');
  // By default the cpu computes what is as small as the rows are.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
});

it.each([...layerRows])('$name agrees with the cpu backend, gradients too', async (row) => {
  await tf.setBackend('cpu');
  const state = rowState(row);
  const there = await runOn('cpu', row, state);
  const here = await runOn('webgpu', row, state);
  expect(here.map(({ kind }) => kind)).toEqual(there.map(({ kind }) => kind));
  there.forEach(({ values = [] }, i) => {
    expect(largestError(here[i]?.values ?? [], values), `tensor ${i}`).toBeLessThanOrEqual(1e-5);
  });
});
