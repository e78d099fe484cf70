import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accelerateWebgl } from '../../src/kernels/webgl/accelerate.js';
import { type FilterSetting, fastFilter } from '../../src/local-laplacian/fast_filter.js';
import { gaussRemap, parisRemap, type Remap, tableRemap } from '../../src/local-laplacian/remap.js';
import { hasFused } from '../../src/ops/fused.js';
import { largestError } from '../cropr/golden.js';
import { describeRecordedFilter } from '../local-laplacian/recorded_filter.js';
import { onEachBackend } from '../setup/backends.js';
import { numbers } from './numbers.js';

interface Case extends FilterSetting {
  readonly batch: number;
  readonly size: readonly [height: number, width: number];
  readonly remap: 'gauss' | 'paris' | 'parisBlended' | 'table';
}

const usual = {
  pyramid: 'paris',
  levels: 3,
  samples: 4,
  range: [0, 1],
  from: 0,
  to: 3,
  batch: 1,
  size: [9, 14],
} as const;
/** Each convention, remap function and special case once: in software each takes seconds. */
const cases: readonly Case[] = [
  { ...usual, remap: 'gauss' },
  { ...usual, remap: 'parisBlended', pyramid: 'lin', size: [8, 7], batch: 2 },
  { ...usual, remap: 'paris', pyramid: 'opencv', size: [11, 6], range: [-0.625, 0.875] },
  { ...usual, remap: 'table', pyramid: 'opencv', size: [2, 5], levels: 6, to: 6 },
  { ...usual, remap: 'gauss', levels: 4, from: 1, to: 2 },
  { ...usual, remap: 'table', size: [3, 1], levels: 1 },
];

function remapOf({ remap, range: [low, high] }: Case): Remap {
  if (remap === 'table') return tableRemap(high - low);
  return remap === 'gauss' ? gaussRemap : parisRemap(remap === 'parisBlended');
}

/** The filtered images and all gradients. */
async function compute(one: Case): Promise<Float32Array[]> {
  const { batch, size, remap } = one;
  const shape = [batch, ...size, 1];
  const count = batch * size[0] * size[1];
  const tensors = tf.tidy(() => {
    const image = tf.tensor(
      numbers(count, 3).map((value) => 0.5 + 0.7 * value),
      shape,
    );
    const parameters = remap === 'table' ? [numbers(17, 4)] : [[0.3], [0.6], [0.9]];
    const inputs = [image, tf.tensor([1.3]), ...parameters.map((values) => tf.tensor(values))];
    const run = (...all: tf.Tensor[]): tf.Tensor => {
      const [x, gain, ...rest] = all as [tf.Tensor, tf.Tensor];
      return fastFilter(x, gain, remapOf(one), rest, one);
    };
    const { value, grads } = tf.valueAndGrads(run)(inputs, tf.tensor(numbers(count, 5), shape));
    return [value, fastFilter(image, inputs[1] as tf.Tensor, remapOf(one), inputs.slice(2), one), ...grads];
  });
  const values = await Promise.all(tensors.map((tensor) => tensor.data()));
  tf.dispose(tensors);
  return values as Float32Array[];
}

onEachBackend(() => {
  describe('the shaders of the local Laplacian filter', () => {
    const composed: Float32Array[][] = [];
    let dispose = (): void => {};

    beforeAll(async () => {
      await tf.setBackend('cpu');
      for (const one of cases) composed.push(await compute(one));
      await tf.setBackend('webgl');
      const handle = await accelerateWebgl();
      expect(handle.warning).toBe('');
      dispose = () => handle.dispose();
    });
    afterAll(() => dispose());

    it.each(cases.map((one, i) => [`${one.remap}, ${one.pyramid}, ${one.size.join(' x ')}`, one, i] as const))(
      'give the images and gradients of the composed operations: %s',
      async (_, one, i) => {
        expect(hasFused('LLFLocalLaplacian') && hasFused('LLFLocalLaplacianGrad')).toBe(true);
        const before = tf.memory();
        const ours = await compute(one);
        expect([tf.memory().numTensors, tf.memory().numDataBuffers]).toEqual([
          before.numTensors,
          before.numDataBuffers,
        ]);
        expect(ours.map(({ length }) => length)).toEqual(composed[i]?.map(({ length }) => length));
        ours.forEach((values, j) => {
          const expected = composed[i]?.[j] ?? [];
          const largest = Math.max(1, ...Array.from(expected, Math.abs));
          expect.soft(largestError(values, expected), `result ${j}`).toBeLessThanOrEqual(5e-5 * largest);
        });
      },
    );

    describeRecordedFilter((value) => 4 * value);

    it('go again, once', async () => {
      const handle = await accelerateWebgl();
      expect(handle).toBe(await accelerateWebgl());
      handle.dispose();
      handle.dispose();
      expect(hasFused('LLFLocalLaplacian')).toBe(false);
      await accelerateWebgl();
      expect(hasFused('LLFLocalLaplacian')).toBe(true);
      dispose = () => void accelerateWebgl().then((last) => last.dispose());
    });
  });
});
