import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { expect, it } from 'vitest';
import { columnSums } from '../../src/ops/linear.js';
import { accelerateWasm } from '../../src/wasm/index.js';

it('sums columns', async () => {
  await tf.setBackend('wasm');
  await tf.ready();
  const x = tf.randomNormal([37, 53]);
  const plain = columnSums(x).dataSync();
  const handle = await accelerateWasm();
  expect(handle.warning).toBe('');
  const { numTensors } = tf.memory();
  const fast = columnSums(x);
  expect(tf.memory().numTensors).toBe(numTensors + 1);
  fast.dataSync().forEach((v, i) => { expect(Math.abs(v - (plain[i] as number))).toBeLessThan(1e-5); });
  handle.dispose();
  expect(tf.getKernel('LLFColumnSums', 'wasm')).toBeUndefined();
});
