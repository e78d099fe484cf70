import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type LocalLaplacianOptions, localLaplacian } from '../../src/local-laplacian/local_laplacian.js';
import { TrainableLLF, type TrainableLLFConfig } from '../../src/local-laplacian/trainable_llf_layer.js';
import { onEachBackend } from '../setup/backends.js';

const RANGE = [-0.5, 1.5] as const;
/** Of the slopes of the error by central differences in float32. */
const STEP = 0.02;

async function settled(layer: TrainableLLF, image: tf.Tensor): Promise<number[]> {
  const result = layer.apply(image) as tf.Tensor;
  const values = await result.data();
  result.dispose();
  return [...values];
}

onEachBackend(() => {
  describe('localLaplacian between tensors', () => {
    const image = (): tf.Tensor => tf.randomUniform([1, 12, 13, 1], -0.4, 1.4, 'float32', 3);
    const curve = (): tf.Tensor => tf.tanh(tf.linspace(-2, 2, 401));
    const kinds: Readonly<Record<string, () => LocalLaplacianOptions>> = {
      gauss: () => ({ sigma: 0.4, alpha: 0.8, beta: 0.9 }),
      paris: () => ({ remap: 'paris', sigma: 0.4, alpha: 1.5, beta: 0.7 }),
      'a table': () => ({ remap: curve() }),
    };

    it.each(Object.entries(kinds))('filters as between numbers: %s', async (_, optionsOf) => {
      const [fixed, trained] = tf.tidy(() => {
        const [x, options] = [image(), { ...optionsOf(), samples: 5, levels: 3 }];
        const ends = RANGE.map((end) => tf.scalar(end)) as [tf.Tensor, tf.Tensor];
        return [localLaplacian(x, { ...options, range: RANGE }), localLaplacian(x, { ...options, range: ends })];
      }) as [tf.Tensor, tf.Tensor];
      const [expected, found] = [await fixed.data(), await trained.data()];
      for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] as number, 4);
      tf.dispose([fixed, trained]);
    });

    // With two samples nothing bends within the range.
    it('has the slopes in both ends that differences have', async () => {
      const { numTensors } = tf.memory();
      const loss = (low: number | tf.Tensor, high: number | tf.Tensor): tf.Scalar =>
        tf.tidy(() => {
          const result = localLaplacian(image(), { sigma: 0.5, alpha: 2, samples: 2, levels: 3, range: [low, high] });
          return tf.mean(tf.square(result));
        });
      const at = async (low: number, high: number): Promise<number> => {
        const value = loss(low, high);
        const [number = Number.NaN] = await value.data();
        value.dispose();
        return number;
      };
      const [low, high] = RANGE;
      const differences = [
        ((await at(low + STEP, high)) - (await at(low - STEP, high))) / (2 * STEP),
        ((await at(low, high + STEP)) - (await at(low, high - STEP))) / (2 * STEP),
      ];
      const ends = RANGE.map((end) => tf.scalar(end));
      const slopes = tf.grads((a, b) => loss(a as tf.Tensor, b as tf.Tensor))(ends);
      for (const [i, slope] of slopes.entries()) {
        const [found = Number.NaN] = await slope.data();
        const expected = differences[i] as number;
        expect(Math.abs(found)).toBeGreaterThan(1e-4);
        expect(Math.abs(found - expected)).toBeLessThan(0.05 * Math.abs(expected) + 1e-5);
      }
      tf.dispose([ends, slopes]);
      expect(tf.memory().numTensors).toBe(numTensors);
    });

    const remaps: Readonly<Record<string, TrainableLLFConfig>> = {
      gauss: { sigma: 0.7, alpha: 0.8, sigmaMin: 0.1 },
      paris: { remap: 'paris', sigma: 0.7, alpha: 1.5, beta: 0.7, sigmaMin: 0.1 },
      'a network without a batch norm': { remap: { hidden: [4], batchNorm: false } },
    };

    it.each(Object.entries(remaps))('moved, the layer filters as one that has that range: %s', async (_, config) => {
      const shared = { ...config, samples: 5, levels: 3, seed: 1 };
      const fixed = new TrainableLLF({ ...shared, range: RANGE });
      const trained = new TrainableLLF({ ...shared, range: [0, 1], trainRange: true });
      const x = image();
      const expected = await settled(fixed, x);
      await settled(trained, x);
      const weightOf = (name: string): tf.LayerVariable =>
        trained.weights.find((weight) => weight.originalName.endsWith(`/${name}`)) as tf.LayerVariable;
      const [low, high] = RANGE;
      tf.tidy(() => {
        weightOf('low').write(tf.tensor([low]));
        // Softplus of it is the width of the range.
        weightOf('widthRaw').write(tf.tensor([Math.log(Math.expm1(high - low))]));
      });
      const found = await settled(trained, x);
      for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] as number, 4);
      const [a, b] = trained.trainedRange();
      expect(a).toBeCloseTo(low, 5);
      expect(b).toBeCloseTo(high, 5);
      expect(fixed.trainedRange()).toEqual([...RANGE]);
      const [curve, reference] = [trained.remapCurve(5), fixed.remapCurve(5)];
      for (const key of ['detail', 'remapped'] as const)
        for (const [i, value] of curve[key].entries()) expect(value).toBeCloseTo(reference[key][i] as number, 4);
      tf.dispose(x);
      for (const layer of [fixed, trained]) layer.dispose();
    });

    it('moves the range to where the image has its values', async () => {
      const x = image();
      const layer = new TrainableLLF({ samples: 4, levels: 3, trainRange: true, inputShape: [12, 13, 1] });
      const model = tf.sequential({ layers: [layer] });
      const target = localLaplacian(x, { samples: 4, levels: 3, sigma: 0.5, alpha: 1.5, range: RANGE });
      model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
      const { history } = await model.fit(x, target, { epochs: 30, verbose: 0 });
      const losses = history['loss'] as number[];
      expect(losses.at(-1)).toBeLessThan(0.2 * (losses[0] as number));
      const [low, high] = layer.trainedRange();
      expect(Math.abs(low) + Math.abs(high - 1)).toBeGreaterThan(0.1);
      expect(high).toBeGreaterThan(low);
      tf.dispose([x, target]);
      model.dispose();
    });

    it('refuses ends that are no number', () => {
      expect(() => localLaplacian(image(), { range: [tf.zeros([2]), 1] })).toThrow(
        'localLaplacian: range must be a number or a tensor of one, received [2].',
      );
    });
  });
});
