import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { gradientLengths, matchingTable } from '../../src/local-laplacian/style_tables.js';
import { styleTransfer } from '../../src/local-laplacian/style_transfer.js';
import { decode, largestError } from '../cropr/golden.js';
import recorded from '../fixtures/local-laplacian/style_transfer.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { imageOf } from './golden.js';

const options = { samples: recorded.K, iterations: recorded.iterations, levels: recorded.nlev };

onEachBackend((backend) => {
  describe.each(['official', 'clean'] as const)("Aubry's transfer, %s", (mode) => {
    it.each([
      ['intensity', recorded[mode].output],
      ['gradient', recorded[mode].last_gradient_transfer_output],
    ] as const)('gives the recorded image at the finish %s', async (finish, array) => {
      const [image, model] = [imageOf(recorded.input), imageOf(recorded.model)];
      const { numTensors } = tf.memory();
      const output = await styleTransfer(image, model, { ...options, mode, finish });
      expect(tf.memory().numTensors).toBe(numTensors + 1);
      const [received, expected] = [await output.data(), decode(array).values];
      const errors = Array.from(received, (value, i) => Math.abs(value - (expected[i] as number))).sort(
        (a, b) => a - b,
      );
      // A value at the border of two bins may fall in either and move an entry of a table.
      expect(errors[Math.floor(0.99 * errors.length)]).toBeLessThanOrEqual(1e-3);
      expect(errors.at(-1)).toBeLessThanOrEqual(0.02);
      // The released code reads its tables by steps; where float32 is exact enough, so that no step is missed, all agree.
      if (mode === 'official' && backend !== 'webgl') expect(errors.at(-1)).toBeLessThanOrEqual(2e-6);
      tf.dispose([image, model, output]);
    });
  });
});

describe('the tables of the transfer', () => {
  const [image, model] = [decode(recorded.input).values, decode(recorded.model).values];

  it('are the recorded ones', () => {
    const table = matchingTable(image, model);
    expect(largestError(table, decode(recorded.clean.f_intensity_initial).values)).toBeLessThanOrEqual(1e-7);
  });

  it('make nothing of an image that has the style already', () => {
    const table = matchingTable(image, image);
    const seen = new Set(Array.from(image, (value) => Math.round(value * 255)));
    for (const entry of seen) expect(Math.abs((table[entry] as number) - entry / 255)).toBeLessThanOrEqual(1 / 255);
  });

  it('measure gradients by the next pixels', () => {
    expect([...gradientLengths([0, 3, 9, 4, 0, 0], 3)]).toEqual([5, Math.hypot(6, 3)]);
  });
});
