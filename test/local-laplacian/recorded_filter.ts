import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type LocalLaplacianOptions, localLaplacian } from '../../src/local-laplacian/local_laplacian.js';
import { decode, expectNear, type Recorded } from '../cropr/golden.js';
import fast from '../fixtures/local-laplacian/fast_llf.json' with { type: 'json' };
import gradients from '../fixtures/local-laplacian/gradients.json' with { type: 'json' };
import images from '../fixtures/local-laplacian/images.json' with { type: 'json' };
import lin from '../fixtures/local-laplacian/lin_up_variant.json' with { type: 'json' };
import { imageArray, imageOf } from './golden.js';

/** A recorded parameter set, as JSON types it. */
export interface RecordedSet {
  variant: string;
  sigma: number;
  alpha: number;
  beta: number;
  noise_blend?: boolean | null;
  pyramid: string;
  nlev: number;
}

/** The recorded parameters under our names. */
export function optionsOf({ variant, sigma, alpha, beta, noise_blend, pyramid, nlev }: RecordedSet) {
  const remap = variant as 'gauss' | 'paris';
  return { remap, sigma, alpha, beta, noiseBlend: noise_blend ?? false, pyramid: pyramid as 'paris', levels: nlev };
}

export function imageNamed(name: string): tf.Tensor4D {
  return imageOf(images[name as '64x64' | '37x53']);
}

interface RecordedGradients {
  loss: number;
  d_sigma: number;
  d_alpha: number;
  d_beta: number;
  d_input: Recorded;
}

function imageNamedIn(group: { '37x53': Recorded }): Recorded {
  return group['37x53'];
}

/** Describes that the current backend gives the recorded images and gradients. */
export function describeRecordedFilter(tolerance: (value: number) => number = (value) => value): void {
  describe('the fast filter', () => {
    it.each(fast.cases.map((one) => [`${one.image} ${one.set} K=${one.K} ${one.pyramid}`, one] as const))(
      'gives the recorded image: %s',
      (_, one) => {
        const limit = one.K === 64 || one.variant === 'paris' ? 5e-6 : 2e-6;
        tf.tidy(() => {
          const output = localLaplacian(imageNamed(one.image), { ...optionsOf(one), samples: one.K });
          expectNear(output, imageArray(one.output), tolerance(limit), one.set);
        });
      },
    );

    it('takes a range other than [0, 1]', () => {
      const one = fast.minmax_range_case;
      tf.tidy(() => {
        const image = tf.add(tf.mul(imageNamed(one.image), one.input_scale), one.input_offset);
        const output = localLaplacian(image, {
          remap: 'paris',
          sigma: 0.2,
          alpha: 4,
          levels: one.nlev,
          samples: one.K,
          range: one.range as [number, number],
        });
        expectNear(output, imageArray(one.output), tolerance(5e-6), 'range');
      });
    });

    it('gives the recorded images with linear interpolation', () => {
      for (const one of lin.fast) {
        tf.tidy(() => {
          const output = localLaplacian(imageNamed(one.image), { ...optionsOf(one), samples: one.K });
          expectNear(output, imageArray(one.output), tolerance(5e-6), `K=${one.K}`);
        });
      }
    });
  });

  describe('the gradients', () => {
    const image = imageNamedIn(gradients.images);
    const target = imageNamedIn(gradients.targets);
    const weights = imageNamedIn(gradients.dot_weights);
    const cases = [...gradients.cases, ...lin.gradients.map((one) => ({ ...one, noise_blend: false }))];

    function check(one: RecordedSet & { K: number }, kind: 'mse' | 'dot', expected: RecordedGradients): void {
      tf.tidy(() => {
        const names = ['sigma', 'alpha', 'beta'] as const;
        const inputs = [imageOf(image), ...names.map((name) => tf.tensor([one[name]]))];
        const loss = (x: tf.Tensor, sigma: tf.Tensor, alpha: tf.Tensor, beta: tf.Tensor): tf.Tensor => {
          const options: LocalLaplacianOptions = { ...optionsOf(one), sigma, alpha, beta, samples: one.K };
          const output = localLaplacian(x, options);
          if (kind === 'dot') return tf.mean(tf.mul(output, imageOf(weights)));
          return tf.mean(tf.square(tf.sub(output, imageOf(target))));
        };
        const { value, grads } = tf.valueAndGrads(loss as (...args: tf.Tensor[]) => tf.Tensor)(inputs);
        expect(value.dataSync()[0]).toBeCloseTo(expected.loss, 6);
        const { values } = decode(expected.d_input);
        const largest = Math.max(...Array.from(values, Math.abs));
        expectNear(grads[0], imageArray(expected.d_input), tolerance(1e-5) * largest, 'd_input');
        names.forEach((name, i) => {
          const [received, wanted] = [grads[i + 1]?.dataSync()[0] as number, expected[`d_${name}`]];
          expect(Math.abs(received - wanted) / Math.abs(wanted), name).toBeLessThanOrEqual(tolerance(5e-4));
        });
      });
    }

    it.each(cases.map((one) => [`${one.variant} alpha ${one.alpha} K=${one.K} ${one.pyramid}`, one] as const))(
      'of the mean squared error are the recorded ones: %s',
      (_, one) => check(one, 'mse', one.mse),
    );

    it.each(
      gradients.cases.map((one) => [`${one.variant} alpha ${one.alpha} K=${one.K} ${one.pyramid}`, one] as const),
    )('of a weighted mean are the recorded ones: %s', (_, one) => check(one, 'dot', one.dot));

    it('are finite on pixels that are exactly 0 and 1', () => {
      const one = gradients.kink_case;
      tf.tidy(() => {
        const inputs = [imageOf(one.image), tf.tensor([one.sigma]), tf.tensor([one.alpha]), tf.tensor([one.beta])];
        const loss = (...args: tf.Tensor[]): tf.Tensor => {
          const [x, sigma, alpha, beta] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
          return tf.mean(tf.square(localLaplacian(x, { ...optionsOf(one), sigma, alpha, beta, samples: one.K })));
        };
        const { value, grads } = tf.valueAndGrads(loss)(inputs);
        expect(value.dataSync()[0]).toBeCloseTo(one.loss, 5);
        expect(grads[0]?.dataSync().every(Number.isFinite)).toBe(true);
        [one.d_sigma, one.d_alpha, one.d_beta].forEach((wanted, i) => {
          expect(Math.abs((grads[i + 1]?.dataSync()[0] as number) / wanted - 1)).toBeLessThanOrEqual(tolerance(5e-4));
        });
      });
    });
  });
}
