import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { AffineNorm } from '../../src/local-laplacian/affine_norm_layer.js';
import { localLaplacian } from '../../src/local-laplacian/local_laplacian.js';
import { type MLPForm, mlpRemap, type StatisticsLaw } from '../../src/local-laplacian/mlp_remap.js';
import { MLPRemap } from '../../src/local-laplacian/mlp_remap_layer.js';
import { collapsePyramid, laplacianPyramid } from '../../src/local-laplacian/pyramid.js';
import { curveOf, explainRemap, isMonotone, type RemapCurve } from '../../src/local-laplacian/remap_curve.js';
import { TrainableLLF } from '../../src/local-laplacian/trainable_llf_layer.js';
import { decode, expectNear, largestError, type Recorded, toTensor } from '../cropr/golden.js';
import gradients from '../fixtures/local-laplacian/gradients.json' with { type: 'json' };
import images from '../fixtures/local-laplacian/images.json' with { type: 'json' };
import mlps from '../fixtures/local-laplacian/mlp_remap.json' with { type: 'json' };
import perLevel from '../fixtures/local-laplacian/per_level_remap.json' with { type: 'json' };
import trajectory from '../fixtures/local-laplacian/train_trajectory.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { imageArray, imageOf } from './golden.js';

type RecordedLayer = Record<string, Recorded>;

/** The recorded MLP under our names, and the statistics of its batch norm. */
function recordedMLP(one: (typeof mlps.cases)[number]): {
  form: MLPForm;
  names: string[];
  arrays: Recorded[];
  law: StatisticsLaw;
} {
  const layers = one.layers as RecordedLayer[];
  const ours = { W: 'kernel', b: 'bias', gamma: 'gamma', beta: 'beta' } as const;
  const entries = layers.flatMap((layer, i) =>
    Object.entries(ours).flatMap(([theirs, name]) => {
      const array = layer[theirs];
      return array ? [[`${name}${i}`, array] as const] : [];
    }),
  );
  return {
    form: {
      hidden: one.hidden,
      activation: 'relu',
      batchNorm: one.batchnorm,
      residual: one.residual_d_plus_mlp,
      monotone: false,
    },
    names: entries.map(([name]) => name),
    arrays: entries.map(([, array]) => array),
    law: (_, i) => ({
      mean: toTensor(decode(layers[i]?.['mean'] as Recorded)),
      variance: toTensor(decode(layers[i]?.['var'] as Recorded)),
    }),
  };
}

onEachBackend((backend) => {
  const tolerance = (value: number): number => (backend === 'webgl' ? 4 * value : value);

  describe.each(mlps.cases.map((one) => [one.name, one] as const))('the MLP %s', (_, one) => {
    const { form, names, arrays, law } = recordedMLP(one);
    const named = (tensors: readonly tf.Tensor[]): Record<string, tf.Tensor> =>
      Object.fromEntries(names.map((name, i) => [name, tensors[i] as tf.Tensor]));

    it('has the recorded curve', () => {
      tf.tidy(() => {
        const grid = tf.reshape(toTensor(decode(one.d_grid)), [-1, 1]);
        const weights = named(arrays.map((array) => toTensor(decode(array))));
        const values = mlpRemap(grid, weights, form, '', law);
        expect(largestError(values.dataSync(), decode(one.m_grid).values)).toBeLessThanOrEqual(tolerance(2e-6));
        if (!one.m_grid_bn_train_mode) return;
        const training = mlpRemap(grid, weights, form).dataSync();
        expect(largestError(training, decode(one.m_grid_bn_train_mode).values)).toBeLessThanOrEqual(tolerance(5e-6));
      });
    });

    it('in the filter gives the recorded image, loss and gradients', () => {
      const { llf } = one;
      tf.tidy(() => {
        const run = (x: tf.Tensor, weights: readonly tf.Tensor[]): tf.Tensor =>
          composedFilter(x, llf.nlev, llf.K, (d) => mlpRemap(d, named(weights), form, '', law));
        const inputs = [
          imageOf(gradients.images['37x53']),
          tf.scalar(llf.gain),
          tf.scalar(llf.bias),
          ...arrays.map((array) => toTensor(decode(array))),
        ];
        const loss = (...args: tf.Tensor[]): tf.Tensor => {
          const [x, gain, bias, ...weights] = args as [tf.Tensor, tf.Tensor, tf.Tensor];
          const moved = tf.add(tf.mul(run(x, weights), gain), bias);
          return tf.mean(tf.square(tf.sub(moved, imageOf(gradients.targets['37x53']))));
        };
        expectNear(run(inputs[0] as tf.Tensor, inputs.slice(3)), imageArray(llf.llf_output), tolerance(2e-6), 'output');
        const { value, grads } = tf.valueAndGrads(loss)(inputs);
        expect(Math.abs((value.dataSync()[0] as number) / llf.loss - 1)).toBeLessThanOrEqual(tolerance(1e-5));
        const near = (received: tf.Tensor | undefined, values: ArrayLike<number>, part: number, what: string): void => {
          const largest = Math.max(1e-4, ...Array.from(values, Math.abs));
          expect(largestError(received?.dataSync() ?? [], values), what).toBeLessThanOrEqual(tolerance(part) * largest);
        };
        near(grads[0], decode(llf.d_input).values, 2e-5, 'input');
        near(grads[1], [llf.d_gain], 1e-5, 'gain');
        near(grads[2], [llf.d_bias], 1e-5, 'bias');
        const expected = (llf.d_layers as RecordedLayer[]).flatMap((layer) =>
          ['W', 'b', 'gamma', 'beta'].flatMap((name) => layer[name] ?? []),
        );
        expected.forEach((array, i) => {
          near(grads[i + 3], decode(array).values, 5e-4, names[i] as string);
        });
      });
    });

    it('as a table comes near to that, nearer with more nodes', () => {
      tf.tidy(() => {
        const weights = named(arrays.map((array) => toTensor(decode(array))));
        const errorAt = (nodes: number): number => {
          const remap = mlpRemap(tf.reshape(tf.linspace(-1, 1, nodes), [-1, 1]), weights, form, '', law);
          const options = { remap, levels: one.llf.nlev, samples: one.llf.K };
          const output = localLaplacian(imageOf(gradients.images['37x53']), options);
          return largestError(output.dataSync(), decode(one.llf.llf_output).values);
        };
        expect(errorAt(2049)).toBeLessThanOrEqual(3e-4);
        expect(errorAt(257)).toBeGreaterThan(2 * errorAt(2049));
      });
    });
  });

  it('one remap function for each level gives the recorded image', () => {
    const { sigma, alpha_per_level: alphas, K: samples, nlev: levels } = perLevel;
    const layer = new TrainableLLF({ perLevel: true, levels, samples, sigma, sigmaMin: 0.01, inputShape: [37, 53, 1] });
    tf.tidy(() => {
      const image = imageOf(images['37x53']);
      layer.apply(image);
      const [, ...others] = layer.getWeights();
      expect(others).toHaveLength(3 * alphas.length - 1);
      layer.setWeights(
        layer.getWeights().map((weight, i) => (i % 3 === 1 ? tf.tensor([alphas[(i - 1) / 3] as number]) : weight)),
      );
      expectNear(layer.apply(image) as tf.Tensor, imageArray(perLevel.output), tolerance(5e-6), 'per level');
    });
  });

  // On wasm all of them; slower backends take the first five.
  const steps = backend === 'wasm' ? 60 : 5;
  it(`${steps} steps of Adam take the recorded way`, () => {
    const [image, target] = [imageOf(gradients.images['37x53']), imageOf(trajectory.target)];
    const variables = trajectory.init.map((value) => tf.variable(tf.tensor([value])));
    const [sigma, alpha, beta, gain, bias] = variables as [
      tf.Variable,
      tf.Variable,
      tf.Variable,
      tf.Variable,
      tf.Variable,
    ];
    const adam = tf.train.adam(0.02, 0.9, 0.999, 1e-7);
    for (let step = 0; step < steps; step++) {
      const record = trajectory.record.find((one) => one.step === step);
      record?.params_before_step.forEach((value, i) => {
        expect(Math.abs((variables[i]?.dataSync()[0] as number) - value), `step ${step}`).toBeLessThanOrEqual(1e-3);
      });
      tf.tidy(() => {
        const loss = adam.minimize(
          () => {
            const output = localLaplacian(image, {
              sigma,
              alpha,
              beta,
              samples: trajectory.K,
              levels: trajectory.nlev,
            });
            return tf.mean(tf.square(tf.sub(tf.add(tf.mul(output, gain), bias), target)));
          },
          true,
          variables,
        );
        if (record) {
          const received = loss?.dataSync()[0] as number;
          expect(Math.abs(received / record.loss_before_step - 1), `step ${step}`).toBeLessThanOrEqual(1e-3);
        }
      });
    }
    const end = steps === 60 ? trajectory.params_after_60 : [];
    end.forEach((value, i) => {
      expect(Math.abs((variables[i]?.dataSync()[0] as number) - value)).toBeLessThanOrEqual(1e-3);
    });
    tf.dispose([image, target, variables]);
    adam.dispose();
  });

  describe('TrainableLLF', () => {
    const image = (): tf.Tensor4D => imageOf(images['37x53']);

    it.each([
      ['gauss', {}],
      ['paris', { remap: 'paris' }],
      ['an MLP', { remap: { hidden: [4, 4] } }],
      ['a monotone MLP', { remap: { hidden: [6, 6], monotone: true, batchNorm: false } }],
      ['curves per level', { perLevel: true, levels: 4, residual: 'gain' }],
    ] as const)('starts as the identity: %s', (_, config) => {
      tf.tidy(() => {
        const layer = new TrainableLLF({ samples: 8, seed: 2, ...config });
        expect(largestError((layer.apply(image()) as tf.Tensor).dataSync(), image().dataSync())).toBeLessThanOrEqual(
          0.02,
        );
        const { detail, remapped } = layer.remapCurve(101);
        expect(largestError(remapped, detail)).toBeLessThanOrEqual(0.02);
      });
    });

    it('with a monotone network rises whatever its weights are; without it need not', () => {
      const curve = (monotone: boolean, seed: number): RemapCurve => {
        const layer = new TrainableLLF({ remap: { hidden: [8, 8], monotone }, seed });
        layer.build([null, 16, 16, 1]);
        tf.tidy(() => {
          const drawn = layer.getWeights().map(({ shape }, i) => tf.randomNormal(shape, 0, 3, 'float32', seed + i));
          layer.setWeights(drawn);
        });
        const read = layer.remapCurve(401);
        tf.dispose(layer.getWeights());
        return read;
      };
      const seeds = [1, 2, 3, 4, 5];
      expect(seeds.map((seed) => isMonotone(curve(true, seed)))).toEqual(seeds.map(() => true));
      expect(seeds.some((seed) => !isMonotone(curve(false, seed)))).toBe(true);
    });

    it('a residual gain multiplies the coarsest level and nothing else', () => {
      tf.tidy(() => {
        const layer = new TrainableLLF({ samples: 8, levels: 3, alpha: 1, residual: 'gain', seed: 1 });
        const plain = layer.apply(image()) as tf.Tensor;
        layer.setWeights(layer.getWeights().map((weight, i, all) => (i === all.length - 1 ? tf.tensor([3]) : weight)));
        const gained = layer.apply(image()) as tf.Tensor;
        const levels = laplacianPyramid(image(), { levels: 3 });
        const residual = levels.map((level, l) => (l < 2 ? tf.zerosLike(level) : tf.mul(level, 2)));
        const expected = tf.add(plain, collapsePyramid(residual)).dataSync();
        expect(largestError(gained.dataSync(), expected)).toBeLessThanOrEqual(1e-5);
      });
    });

    it('takes colour by luminance or by channel; grey stays grey', () => {
      tf.tidy(() => {
        const grey = image();
        const rgb = tf.tile(grey, [1, 1, 1, 3]);
        const options = { alpha: 1, samples: 8, levels: 4 };
        const expected = tf.tile(localLaplacian(grey, options), [1, 1, 1, 3]).dataSync();
        for (const color of ['luminance', 'channels'] as const) {
          const layer = new TrainableLLF({ ...options, color });
          expect(largestError((layer.apply(rgb) as tf.Tensor).dataSync(), expected)).toBeLessThanOrEqual(2e-5);
        }
        const [red, green, blue] = [grey, tf.sub(1, grey), tf.square(grey)];
        const apart = localLaplacian(tf.concat([red, green, blue], 3), { ...options, color: 'channels' });
        const each = tf.concat(
          [red, green, blue].map((channel) => localLaplacian(channel, options)),
          3,
        );
        expect(largestError(apart.dataSync(), each.dataSync())).toBeLessThanOrEqual(1e-6);
      });
    });

    it('learns a hidden filter and says what it does', async () => {
      // In software rendering each epoch takes seconds.
      const [epochs, gain] = backend === 'webgl' ? [12, 3] : [40, 50];
      const filter = new TrainableLLF({ samples: 8, levels: 4, inputShape: [37, 53, 1] });
      const model = tf.sequential({ layers: [filter, new AffineNorm()] });
      model.compile({ optimizer: tf.train.adam(0.05, 0.9, 0.999, 1e-7), loss: 'meanSquaredError' });
      const raw = image();
      const target = tf.tidy(() =>
        tf.mul(localLaplacian(raw, { sigma: 0.2, alpha: 1.5, beta: 0.8, samples: 8, levels: 4 }), 1.1),
      );
      const { history } = await model.fit(raw, target, { epochs, verbose: 0 });
      const losses = history['loss'] as number[];
      expect(losses.at(-1)).toBeLessThan((losses[0] as number) / gain);
      const words = explainRemap(filter.remapCurve(201), 0.2);
      expect(words).toContain('Fine details are amplified');
      expect(words).toContain('Shadows and highlights are treated alike.');
      tf.dispose([raw, target]);
      model.dispose();
    });
  });
});

/** The fast filter, composed of differentiable operations, with a remap function that is evaluated at every detail. */
function composedFilter(
  image: tf.Tensor,
  levels: number,
  samples: number,
  m: (details: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const own = laplacianPyramid(image, { levels });
  const means = own.map((_, l) => collapsePyramid(own.slice(l)));
  const nodes = Array.from({ length: samples }, (_, k) => k / (samples - 1));
  const parts = nodes.map((node, k) => {
    const details = tf.reshape(tf.sub(image, node), [-1, 1]);
    const bands = laplacianPyramid(tf.reshape(m(details), image.shape), { levels });
    return bands.slice(0, -1).map((band, l) => {
      const place = tf.sub(tf.mul(means[l] as tf.Tensor, samples - 1), k);
      return tf.mul(band, tf.relu(tf.sub(1, tf.abs(place))));
    });
  });
  const sums = own.slice(0, -1).map((_, l) => tf.addN(parts.map((bands) => bands[l] as tf.Tensor)));
  return collapsePyramid([...sums, own[levels - 1] as tf.Tensor]);
}

describe('a curve', () => {
  const detail = Array.from({ length: 201 }, (_, i) => (i - 100) / 100);

  it('rises or falls as the closed form says: beta >= 0.4463 alpha, or alpha >= -beta', () => {
    const gauss = (alpha: number, beta: number) =>
      curveOf(
        detail,
        detail.map((d) => beta * d + alpha * d * Math.exp(-(d * d) / (2 * 0.2 ** 2))),
      );
    for (const alpha of [0.5, 1, 2]) {
      expect(isMonotone(gauss(alpha, 0.48 * alpha))).toBe(true);
      expect(isMonotone(gauss(alpha, 0.41 * alpha))).toBe(false);
    }
    expect(isMonotone(gauss(-0.97, 1))).toBe(true);
    expect(isMonotone(gauss(-1.1, 1))).toBe(false);
  });

  it('is told in words', () => {
    const words = explainRemap(
      curveOf(
        detail,
        detail.map((d) => (d > 0 ? 1.5 * d : 0.5 * d)),
      ),
    );
    expect(words).toContain('Highlights gain on shadows');
    expect(words).toContain('slope is 0.50 for darker and 1.50 for lighter ones');
    const raised = curveOf(
      detail,
      detail.map((d) => d + 0.3),
    );
    expect(explainRemap(raised)).toContain('Shadows and highlights are treated alike.');
    expect(
      explainRemap(
        curveOf(
          detail,
          detail.map((d) => -d),
        ),
      ),
    ).toContain('The curve falls in places (lowest slope -1.00)');
  });
});

describe('AffineNorm and MLPRemap', () => {
  it('start as they are told', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([[1, 2, 4]]);
      const run = (layer: tf.layers.Layer): number[] =>
        [...(layer.apply(x) as tf.Tensor).dataSync()].map((value) => Math.round(1e5 * value) / 1e5);
      expect(run(new AffineNorm({ gain: 2, bias: -1 }))).toEqual([1, 3, 7]);
      expect(run(new AffineNorm({ gain: 0.25, positive: true }))).toEqual([0.25, 0.5, 1]);
      expect(run(new AffineNorm({ window: [1, 2] }))).toEqual([0, 1, 3]);
      expect(run(new MLPRemap({ hidden: [4], seed: 1, span: 4 }))).toEqual([1, 2, 4]);
    });
  });

  it.each([false, true])(
    'the network has six hidden layers; the residual form adds the detail: monotone %s',
    (monotone) => {
      tf.tidy(() => {
        const details = tf.linspace(-1, 1, 31);
        const [residual, literal] = [true, false].map((residual) => {
          const layer = new MLPRemap({ residual, monotone, seed: 1 });
          layer.build([31]);
          layer.built = true;
          return layer;
        }) as [MLPRemap, MLPRemap];
        const names = literal.weights.map(({ originalName }) => originalName);
        expect(names.filter((name) => name.startsWith('kernel'))).toHaveLength(7);
        expect(names.filter((name) => name.startsWith('gamma'))).toHaveLength(6);
        // The literal one starts as a curve of its own; its weights make the other d and that curve.
        residual.setWeights([...literal.getWeights(), ...(monotone ? [tf.zeros([1])] : [])]);
        const own = literal.apply(details) as tf.Tensor;
        expect(Math.max(...own.dataSync().map(Math.abs))).toBeGreaterThan(0.01);
        const both = residual.apply(details) as tf.Tensor;
        expect(largestError(tf.sub(both, details).dataSync(), own.dataSync())).toBeLessThanOrEqual(1e-5);
        if (monotone) expect(isMonotone(curveOf([...details.dataSync()], [...own.dataSync()]))).toBe(true);
        for (const weight of [...residual.weights, ...literal.weights]) weight.dispose();
      });
    },
  );
});
