import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipByGlobalNorm, GradientClip, globalNorm } from '../../src/forgetting/gradient_clip.js';
import { layerValues, smallModel, train, weightValues } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';

/** No subnormal numbers: GPUs round them to zero. */
const entry = fc.float({ min: -100, max: 100, noNaN: true }).map((x) => (Math.abs(x) < 2 ** -126 ? 0 : x));

const vectors = fc.array(fc.array(entry, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 });

const normOf = (lists: readonly (readonly number[])[]): number =>
  Math.sqrt(lists.flat().reduce((sum, value) => sum + value ** 2, 0));

onEachBackend((backend) => {
  describe('clipByGlobalNorm', () => {
    it('never exceeds the norm, keeps the direction, and leaves short lists alone to the bit', () => {
      fc.assert(
        fc.property(vectors, fc.float({ min: Math.fround(0.01), max: 1000, noNaN: true }), (lists, norm) => {
          tf.tidy(() => {
            const tensors = lists.map((list) => tf.tensor1d(list));
            const length = normOf(lists);
            expect(globalNorm(tensors).dataSync()[0]).toBeCloseTo(length, 2);
            const clipped = clipByGlobalNorm(tensors, norm).map((one) => Array.from(one.dataSync()));
            expect(normOf(clipped)).toBeLessThanOrEqual(norm * (1 + 1e-5));
            if (length < norm * 0.999 - 1e-5) expect(clipped).toEqual(lists);
            const factor = Math.min(1, norm / (length + 1e-6));
            clipped.flat().forEach((value, i) => {
              const expected = (lists.flat()[i] as number) * factor;
              expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-5 * Math.abs(expected) + 1e-30);
            });
          });
        }),
        { numRuns: 60 },
      );
    });

    it('takes an empty list and refuses a norm that is none', () => {
      expect(clipByGlobalNorm([], 1)).toEqual([]);
      expect(globalNorm([]).dataSync()[0]).toBe(0);
      expect(() => clipByGlobalNorm([tf.scalar(1)], 0)).toThrow('clipByGlobalNorm: norm must be');
    });
  });

  describe('a gradient that is not finite', () => {
    it('leaves nothing but zeros and NaN, as in torch', () => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const clipped = clipByGlobalNorm([tf.tensor1d([1, 2]), tf.tensor1d([bad, 3])], 1);
        const values = clipped.flatMap((one) => Array.from(one.dataSync()));
        for (const value of values) expect(value === 0 || Number.isNaN(value), `${bad}: ${values}`).toBe(true);
      }
    });
  });

  describe('canaries: WASM loses NaN (https://github.com/tensorflow/tfjs/issues/4883)', () => {
    it('in minimum, where it is the second argument', () => {
      const value = tf.minimum(1, tf.scalar(Number.NaN)).dataSync()[0];
      expect(value).toBe(backend === 'wasm' ? 1 : Number.NaN);
      expect(tf.minimum(tf.scalar(Number.NaN), 1).dataSync()[0]).toBeNaN();
    });

    it('in clipByValue', () => {
      const value = tf.clipByValue(tf.scalar(Number.NaN), -1, 1).dataSync()[0];
      expect(value).toBe(backend === 'wasm' ? -1 : Number.NaN);
    });
  });

  describe('globalNorm', () => {
    it('is differentiable, and leaves one tensor', () => {
      const tensors = [tf.tensor1d([3, 0]), tf.scalar(4)];
      const { numTensors } = tf.memory();
      const norm = globalNorm(tensors);
      expect(tf.memory().numTensors).toBe(numTensors + 1);
      expect(norm.shape).toEqual([]);
      const gradients = tf.grads((...all) => globalNorm(all))(tensors);
      expect(gradients.map((one) => Array.from(one.dataSync()))).toEqual([
        [expect.closeTo(0.6, 6), 0],
        [expect.closeTo(0.8, 6)],
      ]);
    });
  });

  describe('GradientClip', () => {
    it('scales the step of SGD to the norm', async () => {
      const run = async (callbacks: GradientClip[]): Promise<{ moved: number[]; norm: number | undefined }> => {
        const model = smallModel(tf.train.sgd(1));
        const names: [string, number][] = [
          ['body', 0],
          ['body', 1],
          ['norm', 0],
          ['norm', 1],
          ['head', 0],
          ['head', 1],
        ];
        const values = (): number[] => names.flatMap(([name, i]) => layerValues(model, name, i));
        const before = values();
        const { history } = await train(model, { batchSize: 10, callbacks });
        const logged = history['gradientClip/norm']?.[0] as number | undefined;
        return { moved: values().map((value, i) => value - (before[i] as number)), norm: logged };
      };
      const free = await run([]);
      const length = normOf([free.moved]);
      const clipped = await run([new GradientClip({ norm: 0.1 })]);
      expect(clipped.norm).toBeCloseTo(length, 4);
      expect(length).toBeGreaterThan(0.2);
      clipped.moved.forEach((value, i) => {
        expect(value).toBeCloseTo(((free.moved[i] as number) * 0.1) / length, 5);
      });
      const limited = await run([new GradientClip({ value: 0.05 })]);
      limited.moved.forEach((value, i) => {
        expect(value).toBeCloseTo(Math.max(-0.05, Math.min(0.05, free.moved[i] as number)), 5);
      });
    });

    it('does not hide a NaN', async () => {
      for (const config of [{ norm: 1 }, { value: 1 }]) {
        const model = smallModel(tf.train.sgd(0.1), (target, output) =>
          tf.mul(tf.losses.meanSquaredError(target, output), Number.NaN),
        );
        await train(model, { callbacks: [new GradientClip(config)] });
        expect(layerValues(model, 'head').every(Number.isNaN)).toBe(true);
      }
    });

    it('changes no bit when the gradients are short', async () => {
      const [plain, clipped] = [smallModel(), smallModel()];
      await train(plain, { epochs: 2 });
      await train(clipped, { epochs: 2, callbacks: [new GradientClip({ norm: 1e6 })] });
      expect(weightValues(clipped)).toEqual(weightValues(plain));
    });
  });
});

describe('bad input', () => {
  it('is named', () => {
    expect(() => new GradientClip({})).toThrow('GradientClip: norm must be given if value is not, and only then');
    expect(() => new GradientClip({ norm: 1, value: 1 })).toThrow('GradientClip: norm');
    expect(() => new GradientClip({ norm: 0 })).toThrow('GradientClip: norm must be');
    expect(() => new GradientClip({ value: -1 })).toThrow('GradientClip: value must be');
  });
});
