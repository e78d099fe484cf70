/** Defects of tfjs that the pages work around. */
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

it('the momentum optimizer leaves its learning rate behind when it is disposed of', async () => {
  await tf.setBackend('cpu');
  const before = tf.memory().numTensors;
  tf.train.momentum(0.1, 0.9).dispose();
  expect(tf.memory().numTensors).toBe(before + 1);
});
