import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { SkipNonFinite } from '../../src/forgetting/skip_non_finite.js';
import { AffineNorm } from '../../src/local-laplacian/affine_norm_layer.js';
import { localLaplacian } from '../../src/local-laplacian/local_laplacian.js';
import { MLPRemap } from '../../src/local-laplacian/mlp_remap_layer.js';
import { explainRemap, isMonotone } from '../../src/local-laplacian/remap_curve.js';
import { ssim, ssimLoss } from '../../src/local-laplacian/ssim.js';
import { styleTransfer } from '../../src/local-laplacian/style_transfer.js';
import { TrainableLLF } from '../../src/local-laplacian/trainable_llf_layer.js';
import { largestError } from '../cropr/golden.js';
import { onEachBackend } from '../setup/backends.js';

/** A value of a type that TypeScript would not let pass. */
function wrong<T>(value: unknown): T {
  return value as T;
}

const image = (...shape: number[]): tf.Tensor => tf.fill(shape, 0.5);
const connect = (layer: tf.layers.Layer, ...shape: (number | null)[]): unknown => layer.apply(tf.input({ shape }));

const cases: [what: string, action: () => unknown, message: string][] = [
  [
    'an image without channels',
    () => localLaplacian(image(8, 8)),
    'localLaplacian: image must be of shape [batch, height, width, 1], received [8, 8].',
  ],
  [
    'three channels where one is asked',
    () => localLaplacian(image(1, 8, 8, 3)),
    'localLaplacian: image must be of shape [batch, height, width, 1], received [1, 8, 8, 3].',
  ],
  [
    'one channel where three are asked',
    () => localLaplacian(image(1, 8, 8, 1), { color: 'luminance' }),
    'localLaplacian: image must be of shape [batch, height, width, 3]',
  ],
  [
    'one sample',
    () => localLaplacian(image(1, 8, 8, 1), { samples: 1 }),
    'localLaplacian: samples must be an integer of at least 2, received 1.',
  ],
  [
    'a reversed range',
    () => localLaplacian(image(1, 8, 8, 1), { range: [1, 0] }),
    'localLaplacian: range must be [low, high] with low < high, received [1, 0].',
  ],
  [
    'an empty range',
    () => localLaplacian(image(1, 8, 8, 1), { range: [1, 1] }),
    'localLaplacian: range must be [low, high] with low < high, received [1, 1].',
  ],
  [
    'a range with NaN',
    () => localLaplacian(image(1, 8, 8, 1), { range: [0, Number.NaN] }),
    'localLaplacian: range must be [low, high] with low < high, received [0, NaN].',
  ],
  [
    'an endless range',
    () => localLaplacian(image(1, 8, 8, 1), { range: [0, Number.POSITIVE_INFINITY] }),
    'localLaplacian: range must be [low, high] with low < high, received [0, Infinity].',
  ],
  [
    'a sigma of 0',
    () => localLaplacian(image(1, 8, 8, 1), { sigma: 0 }),
    'localLaplacian: sigma must be a positive number, received 0.',
  ],
  [
    'a sigma that is a list',
    () => localLaplacian(image(1, 8, 8, 1), { sigma: tf.ones([2]) }),
    'localLaplacian: sigma must be a number or a tensor of one, received [2].',
  ],
  [
    'an alpha of 0 for Paris',
    () => localLaplacian(image(1, 8, 8, 1), { remap: 'paris', alpha: 0 }),
    'localLaplacian: alpha must be a positive number, received 0.',
  ],
  [
    'an unknown remap function',
    () => localLaplacian(image(1, 8, 8, 1), { remap: wrong('cubic') }),
    'localLaplacian: remap must be one of "gauss", "paris", received "cubic".',
  ],
  [
    'a table of one number',
    () => localLaplacian(image(1, 8, 8, 1), { remap: tf.ones([1]) }),
    'localLaplacian: remap must be a table of at least two numbers, received [1].',
  ],
  [
    'no levels',
    () => localLaplacian(image(1, 8, 8, 1), { levels: 0 }),
    'localLaplacian: levels must be an integer of at least 1, received 0.',
  ],
  [
    'an unknown colour mode',
    () => localLaplacian(image(1, 8, 8, 3), { color: wrong('hue') }),
    'localLaplacian: color must be one of "luminance", "channels", received "hue".',
  ],
  [
    'a layer with one sample',
    () => new TrainableLLF({ samples: 1 }),
    'TrainableLLF: samples must be an integer of at least 2, received 1.',
  ],
  [
    'a layer with a reversed range',
    () => new TrainableLLF({ range: [1, 0] }),
    'TrainableLLF: range must be [low, high] with low < high, received [1, 0].',
  ],
  [
    'a sigma below its bound',
    () => new TrainableLLF({ sigma: 0.04, samples: 16 }),
    'TrainableLLF: sigma must be above sigmaMin, 0.05, received 0.04.',
  ],
  [
    'a curve per level, of how many',
    () => new TrainableLLF({ perLevel: true }),
    'TrainableLLF: levels must be an integer of at least 2, received undefined.',
  ],
  [
    'a network without layers',
    () => new TrainableLLF({ remap: { hidden: [] } }),
    'TrainableLLF: hidden must be a list of at least one width, received [].',
  ],
  [
    'half a unit',
    () => new MLPRemap({ hidden: [4, 0.5] }),
    'MLPRemap: hidden[1] must be an integer of at least 1, received 0.5.',
  ],
  [
    'an unknown activation',
    () => new MLPRemap({ activation: wrong('sine') }),
    'MLPRemap: activation must be one of "relu", "tanh", received "sine".',
  ],
  [
    'a layer on three channels',
    () => connect(new TrainableLLF(), 8, 8, 3),
    'TrainableLLF: image must be of shape [batch, height, width, 1], received [null, 8, 8, 3].',
  ],
  [
    'a curve before there are weights',
    () => new TrainableLLF({ name: 'first' }).remapCurve(),
    'TrainableLLF: layer must be connected before its curve is read, received "first".',
  ],
  [
    'a window with a gain',
    () => new AffineNorm({ window: [0, 1], gain: 2 }),
    'AffineNorm: gain must be left out with a window, received 2.',
  ],
  [
    'a window that falls',
    () => new AffineNorm({ window: [1, 0] }),
    'AffineNorm: window must be [low, high] with low < high, received [1, 0].',
  ],
  [
    'a positive gain that is not',
    () => new AffineNorm({ gain: -1, positive: true }),
    'AffineNorm: gain must be a positive number, received -1.',
  ],
  [
    'images of two sizes',
    () => ssim(image(1, 12, 12, 1), image(1, 12, 13, 1)),
    'ssim: the second image must be of shape [1, 12, 12, 1], received [1, 12, 13, 1].',
  ],
  [
    'images smaller than the window',
    () => ssim(image(1, 10, 12, 1), image(1, 10, 12, 1)),
    'ssim: images must be at least 11 pixels high and wide, received [1, 10, 12, 1].',
  ],
  ['an even window', () => ssimLoss({ size: 8 }), 'ssimLoss: size must be an odd number, received 8.'],
  [
    'a negative weight',
    () => ssimLoss({ weight: -1 }),
    'ssimLoss: weight must be a number of at least 0, received -1.',
  ],
  [
    'a negative tolerance',
    () => isMonotone({ detail: [], remapped: [], slope: [] }, -1),
    'isMonotone: tolerance must be a number of at least 0, received -1.',
  ],
  [
    'an edge beyond the curve',
    () => explainRemap({ detail: [-1, 0, 1], remapped: [-1, 0, 1], slope: [1, 1, 1] }, 2),
    'explainRemap: sigma must be a number in (0, 1], received 2.',
  ],
];

describe('bad input is named:', () => {
  it.each(cases)('%s', (_what, action, message) => {
    expect(action).toThrow(message);
  });

  it('by a promise', async () => {
    await expect(styleTransfer(image(2, 8, 8, 1), image(1, 8, 8, 1))).rejects.toThrow(
      'styleTransfer: image must be of shape [1, height, width, 1]',
    );
    await expect(styleTransfer(image(1, 8, 8, 1), image(1, 1, 8, 1))).rejects.toThrow(
      'styleTransfer: model must be at least 2x2 pixels',
    );
    const message = 'styleTransfer: model must be an image of values in [0, 1], received';
    for (const value of [1.5, Number.NaN, Number.NEGATIVE_INFINITY]) {
      await expect(styleTransfer(image(1, 4, 4, 1), tf.fill([1, 4, 4, 1], value))).rejects.toThrow(
        `${message} ${value}.`,
      );
    }
  });
});

onEachBackend((backend) => {
  const run = (x: tf.Tensor, options = {}): Float32Array =>
    tf.tidy(
      () =>
        localLaplacian(x, { samples: 8, ...options })
          .dataSync()
          .slice() as Float32Array,
    );

  describe('unusual images', () => {
    it('constant ones stay, in any convention and at any size down to one pixel', () => {
      for (const size of [
        [1, 1],
        [1, 5],
        [2, 3],
        [9, 16],
      ] as const) {
        for (const pyramid of ['paris', 'opencv', 'lin'] as const) {
          for (const value of [0, 0.3, 1]) {
            const filtered = run(tf.fill([1, ...size, 1], value), { pyramid, levels: 6, alpha: 3 });
            expect(largestError(filtered, Array(filtered.length).fill(value))).toBeLessThanOrEqual(1e-5);
          }
        }
      }
    });

    it('smaller than the pyramid: further levels change nothing', () => {
      const x = tf.randomUniform([1, 5, 3, 1], 0, 1, 'float32', 1);
      expect(largestError(run(x, { levels: 9 }), run(x, { levels: 4 }))).toBeLessThanOrEqual(1e-6);
      expect(largestError(run(x, { levels: 1 }), x.dataSync())).toBeLessThanOrEqual(1e-7);
    });

    it('a smallest sigma leaves beta alone', () => {
      const x = tf.randomUniform([1, 12, 12, 1], 0, 1, 'float32', 1);
      const filtered = run(x, { sigma: 1e-6, alpha: 5, levels: 3 });
      expect(largestError(filtered, x.dataSync())).toBeLessThanOrEqual(1e-3);
      const gradient = tf.tidy(
        () =>
          tf
            .grad((sigma) => tf.sum(localLaplacian(x, { sigma })))(tf.tensor([1e-6]))
            .dataSync()[0],
      );
      expect(Number.isFinite(gradient)).toBe(true);
    });

    // In software rendering each filter takes a second.
    const isSlow = backend === 'webgl';
    const remaps = {
      gauss: {},
      paris: { remap: 'paris', alpha: 0.5 },
      'paris without blend': { remap: 'paris', alpha: 0.5, noiseBlend: false },
    } as const;

    it.each(Object.entries(remaps).slice(isSlow ? 2 : 0))(
      'constant ones, and one pixel, give finite gradients: %s',
      (_, options) => {
        const sizes = [
          [6, 5],
          [1, 1],
        ] as const;
        for (const [height, width] of sizes.slice(0, isSlow ? 1 : 2)) {
          tf.tidy(() => {
            const loss = (...all: tf.Tensor[]): tf.Tensor => {
              const [x, sigma, alpha, beta] = all as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
              return tf.mean(tf.square(localLaplacian(x, { samples: 3, levels: 3, ...options, sigma, alpha, beta })));
            };
            // The value is that of a sample, so that details are exactly 0.
            const inputs = [tf.fill([1, height, width, 1], 0.5), tf.tensor([0.2]), tf.tensor([0.5]), tf.tensor([1])];
            const gradients = tf
              .grads(loss)(inputs)
              .map((gradient) => [...gradient.dataSync()]);
            expect(gradients.flat().every(Number.isFinite)).toBe(true);
            // Lighter as a whole, an image stays constant.
            expect(gradients[0]?.reduce((sum, slope) => sum + slope)).toBeCloseTo(1, 2);
          });
        }
      },
    );

    it.each([Number.NaN, Number.POSITIVE_INFINITY])(
      'a pixel of %d spoils its surroundings, and only these',
      (value) => {
        const [height, width] = [24, 20];
        const clean = tf.tidy(() => [...tf.randomUniform([height * width], 0, 1, 'float32', 1).dataSync()]);
        const table = tf.linspace(-1, 2, 9);
        for (const options of isSlow ? [remaps.gauss] : [...Object.values(remaps), { remap: table }]) {
          const filtered = (values: number[]): Float32Array => {
            const image = tf.tensor(values, [1, height, width, 1]);
            const output = run(image, { samples: 4, levels: 3, ...options });
            image.dispose();
            return output;
          };
          const [sound, spoilt] = [filtered(clean), filtered([value, ...clean.slice(1)])];
          expect(Number.isFinite(spoilt[0])).toBe(false);
          const far = (values: Float32Array): Float32Array => values.subarray(16 * width);
          expect(largestError(far(spoilt), far(sound))).toBe(0);
        }
        table.dispose();
      },
    );

    it('values beyond the range are filtered as at its end, with finite gradients', () => {
      tf.tidy(() => {
        const x = tf.mul(tf.sub(tf.randomUniform([1, 12, 12, 1], 0, 1, 'float32', 1), 0.5), 5);
        const gradient = tf.grad((y) => tf.sum(tf.square(localLaplacian(y, { levels: 3 }))))(x);
        expect(gradient.dataSync().every(Number.isFinite)).toBe(true);
        // A slope of 2 everywhere doubles every level but the residual, inside the range and outside.
        const [once, twice] = [
          localLaplacian(x, { alpha: 0, beta: 1, levels: 3 }),
          localLaplacian(x, { alpha: 0, beta: 2, levels: 3 }),
        ];
        const thrice = localLaplacian(x, { alpha: 0, beta: 3, levels: 3 });
        expect(largestError(once.dataSync(), x.dataSync())).toBeLessThanOrEqual(5e-6);
        expect(largestError(tf.sub(thrice, twice).dataSync(), tf.sub(twice, once).dataSync())).toBeLessThanOrEqual(
          2e-5,
        );
      });
    });
  });

  describe('SkipNonFinite', () => {
    const model = (): tf.Sequential => {
      const layers = [new TrainableLLF({ samples: 4, levels: 3, alpha: 0.5, inputShape: [8, 8, 1] }), new AffineNorm()];
      const made = tf.sequential({ layers });
      made.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
      return made;
    };
    const weights = (of: tf.LayersModel): number[][] => of.getWeights().map((weight) => [...weight.dataSync()]);
    const clean = tf.tidy(() => [...tf.randomUniform([4 * 64], 0, 1, 'float32', 1).dataSync()]);

    it.each([Number.NaN, Number.POSITIVE_INFINITY])(
      'keeps a pixel of %d from the weights, and says how often',
      async (value) => {
        const spoilt = [...clean];
        spoilt[70] = value;
        const [x, y] = [tf.tensor(spoilt, [4, 8, 8, 1]), tf.tensor(clean, [4, 8, 8, 1]).mul(0.5)];
        const made = model();
        const options = { batchSize: 1, shuffle: false, verbose: 0 } as const;
        const { history } = await made.fit(x, y, { ...options, epochs: 2, callbacks: [new SkipNonFinite()] });
        expect(history['skipNonFinite/skipped']).toEqual([1, 1]);
        expect(weights(made).flat().every(Number.isFinite)).toBe(true);
        // Nothing but the broken image: nothing moves at all, whatever the momenta are.
        const before = weights(made);
        const broken = tf.slice(x, 1, 1);
        await made.fit(broken, tf.slice(y, 1, 1), { ...options, callbacks: [new SkipNonFinite()] });
        expect(weights(made)).toEqual(before);
        // Without it they are lost.
        await made.fit(broken, tf.slice(y, 1, 1), options);
        expect(weights(made).flat().every(Number.isFinite)).toBe(false);
      },
    );
  });
});
