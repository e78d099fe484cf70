import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { localLaplacian } from '../../src/local-laplacian/local_laplacian.js';
import { gaussRemap, parisRemap } from '../../src/local-laplacian/remap.js';
import { decode, largestError, type NumberArray } from '../cropr/golden.js';
import exact from '../fixtures/local-laplacian/exact_llf.json' with { type: 'json' };
import images from '../fixtures/local-laplacian/images.json' with { type: 'json' };
import curves from '../fixtures/local-laplacian/remap_curves.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { exactFilter, plainRemap } from './exact_filter.js';
import { describeRecordedFilter, imageNamed, optionsOf, type RecordedSet } from './recorded_filter.js';

onEachBackend((backend) => {
  /** Recorded numbers are float64; float32 sums differ by rounding, on webgl by that of its functions, too. */
  const tolerance = (value: number): number => (backend === 'webgl' ? 4 * value : value);

  it.each(curves.sets.map((set) => [set.name, set] as const))('the remap curve %s is the recorded one', (_, set) => {
    const [detail, expected] = [decode(curves.d).values, decode(set.m).values];
    // One detail is 1e-16, where the slope of this curve is all but infinite.
    const limit = set.name === 'paris_detail_nonoise' ? 3e-5 : 2e-6;
    const remap = set.variant === 'gauss' ? gaussRemap : parisRemap(set.noise_blend ?? false);
    tf.tidy(() => {
      const parameters = [set.sigma, set.alpha, set.beta].map((value) => tf.tensor([value]));
      const values = remap.value(tf.tensor(Float32Array.from(detail)), parameters).dataSync();
      expect(largestError(values, expected)).toBeLessThanOrEqual(tolerance(limit));
    });
    const plain = plainRemap[set.variant as 'gauss'](set.sigma, set.alpha, set.beta, set.noise_blend ?? false);
    expect(largestError(Array.from(detail).map(plain), expected)).toBeLessThanOrEqual(1e-6);
  });

  it.each(['sharp', 'blended'])('the remap of Paris follows its formula for the smallest details too: %s', (kind) => {
    const isBlended = kind === 'blended';
    const detail = [1e-3, 1e-6, 5e-8, 2e-10].flatMap((size) => [size, -size]);
    const expected = detail.map(plainRemap.paris(0.2, 0.25, 1, isBlended));
    tf.tidy(() => {
      const parameters = [0.2, 0.25, 1].map((value) => tf.tensor([value]));
      const values = parisRemap(isBlended).value(tf.tensor(detail), parameters).dataSync();
      expected.forEach((value, i) => {
        expect((values[i] as number) / value, `m(${detail[i]})`).toBeCloseTo(1, 4);
      });
      expect(
        parisRemap(isBlended)
          .value(tf.tensor([0]), parameters)
          .dataSync()[0],
      ).toBe(0);
    });
  });

  describeRecordedFilter(tolerance);
});

describe('the exact filter', () => {
  /** The filtered image, apart from any backend. */
  function exactly({ shape, values }: NumberArray, one: RecordedSet): Float64Array {
    const { variant, sigma, alpha, beta, noise_blend, pyramid, nlev } = one;
    const m = plainRemap[variant as 'gauss'](sigma, alpha, beta, noise_blend ?? false);
    const [height = 0, width = 0] = shape;
    return exactFilter({ height, width, values: Float64Array.from(values) }, nlev, pyramid as 'paris', m);
  }

  it.each(exact.map((one) => [`${one.set} ${one.pyramid}`, one] as const))('gives the recorded image: %s', (_, one) => {
    const output = exactly(decode(images[one.image as '37x53']), one);
    expect(largestError(output, decode(one.output).values)).toBeLessThanOrEqual(1e-6);
  });

  it('is what the fast filter comes near to with more samples', () => {
    const set = { variant: 'gauss', sigma: 0.2, alpha: -1, beta: 1, pyramid: 'paris', nlev: 5 };
    const expected = exactly(decode(images['37x53']), set);
    const errorAt = (samples: number): number =>
      tf.tidy(() => {
        const output = localLaplacian(imageNamed('37x53'), { ...optionsOf(set), samples });
        return largestError(output.dataSync(), expected);
      });
    const [few, some, many] = [errorAt(8), errorAt(16), errorAt(32)];
    expect(some).toBeLessThan(few / 2.5);
    expect(many).toBeLessThan(some / 2.5);
  });
});
