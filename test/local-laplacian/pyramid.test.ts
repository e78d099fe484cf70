import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/core/random.js';
import { collapsePyramid, laplacianPyramid } from '../../src/local-laplacian/pyramid.js';
import { PYRAMIDS, type Pyramid, pyramidOperators } from '../../src/local-laplacian/pyramid_operators.js';
import { halved, type Size } from '../../src/local-laplacian/size.js';
import { decode, expectNear, largestError, type Recorded } from '../cropr/golden.js';
import images from '../fixtures/local-laplacian/images.json' with { type: 'json' };
import lin from '../fixtures/local-laplacian/lin_up_variant.json' with { type: 'json' };
import matrices from '../fixtures/local-laplacian/operators_1d.json' with { type: 'json' };
import opencv from '../fixtures/local-laplacian/pyramid_opencv.json' with { type: 'json' };
import paris from '../fixtures/local-laplacian/pyramid_paris.json' with { type: 'json' };
import { runs } from '../ops/laws.js';
import { onEachBackend } from '../setup/backends.js';
import { imageArray, imageOf } from './golden.js';

function numbers(shape: readonly number[], seed: number): tf.Tensor {
  const stream = randomStream(seed, 'pyramid');
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => stream.normal()),
    [...shape],
  );
}

function inner(a: tf.Tensor, b: tf.Tensor): number {
  return tf.sum(tf.mul(a, b)).dataSync()[0] as number;
}

const sizes = fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 14 }));

onEachBackend((backend) => {
  describe.each([
    ['paris', paris],
    ['opencv', opencv],
  ] as const)('the pyramid %s', (pyramid, cases) => {
    it.each(cases.map((one) => [one.image.shape.join('x'), one] as const))(
      'has the recorded levels at %s',
      (_, one) => {
        tf.tidy(() => {
          const image = imageOf(one.image);
          const levels = laplacianPyramid(image, { levels: one.nlev, pyramid });
          expect(levels).toHaveLength(one.nlev);
          one.lap.forEach((expected: Recorded, i) => {
            expectNear(levels[i], imageArray(expected), 1e-6, `level ${i}`);
          });
          const { down } = pyramidOperators[pyramid];
          one.gauss.reduce<tf.Tensor>((fine, expected, i) => {
            const coarse = down(fine);
            expectNear(coarse, imageArray(expected), 1e-6, `gaussian level ${i + 1}`);
            return coarse;
          }, image);
        });
      },
    );

    it('is made of the recorded one-dimensional operators, at every length', () => {
      for (const [length, { down, up }] of Object.entries(matrices[pyramid])) {
        const n = Number(length);
        tf.tidy(() => {
          // One channel for each unit vector: the columns of the matrix come out.
          const fine = tf.reshape(tf.eye(n), [1, n, 1, n]);
          const coarse = pyramidOperators[pyramid].down(fine);
          expect(coarse.shape).toEqual([1, down.shape[0], 1, n]);
          expect(largestError(coarse.dataSync(), decode(down).values), `down ${n}`).toBeLessThanOrEqual(3e-7);
          const m = (n + 1) >> 1;
          const raised = pyramidOperators[pyramid].up(tf.reshape(tf.eye(m), [1, 1, m, m]), [1, n]);
          expect(raised.shape).toEqual([1, 1, n, m]);
          expect(largestError(raised.dataSync(), decode(up).values), `up ${n}`).toBeLessThanOrEqual(3e-7);
        });
      }
    });
  });

  it('the pyramid lin has the recorded levels', () => {
    for (const { size, nlev, lap } of lin.pyramid) {
      const image =
        paris.find((one) => one.image.shape.join() === size.join())?.image ?? images[size.join('x') as '64x64'];
      tf.tidy(() => {
        const levels = laplacianPyramid(imageOf(image), { levels: nlev, pyramid: 'lin' });
        lap.forEach((expected, i) => {
          expectNear(levels[i], imageArray(expected), 1e-6, `${size.join('x')}, level ${i}`);
        });
      });
    }
  });

  describe.each([...PYRAMIDS])('in the convention %s', (pyramid: Pyramid) => {
    it('the adjoints are adjoint: <Dx, y> = <x, D^T y>, <Ux, y> = <x, U^T y>', () => {
      const { down, downAdjoint, up, upAdjoint } = pyramidOperators[pyramid];
      fc.assert(
        fc.property(sizes, fc.nat(1000), (size, seed) => {
          tf.tidy(() => {
            const [fine, coarse] = [numbers([2, ...size, 3], seed), numbers([2, ...halved(size as Size), 3], seed + 1)];
            expect(down(fine).shape).toEqual(coarse.shape);
            expect(up(coarse, size).shape).toEqual(fine.shape);
            const scale = 1e-5 * Math.sqrt(fine.size);
            expect(Math.abs(inner(down(fine), coarse) - inner(fine, downAdjoint(coarse, size)))).toBeLessThan(scale);
            expect(Math.abs(inner(up(coarse, size), fine) - inner(coarse, upAdjoint(fine)))).toBeLessThan(scale);
          });
        }),
        runs(backend),
      );
    });

    it('constants stay constant, a collapsed pyramid is the image, and nothing is left behind', () => {
      fc.assert(
        fc.property(sizes, fc.integer({ min: 1, max: 6 }), (size, levels) => {
          const before = tf.memory().numTensors;
          const [flat, image] = [tf.fill([1, ...size, 1], 0.7), numbers([2, ...size, 2], 5)];
          const list = laplacianPyramid(flat, { levels, pyramid });
          const parts = laplacianPyramid(image, { levels, pyramid });
          const again = collapsePyramid(parts, { pyramid });
          list.slice(0, -1).forEach((level) => {
            expect(Math.max(...level.dataSync().map(Math.abs))).toBeLessThan(1e-6);
          });
          expect(largestError(list.at(-1)?.dataSync() ?? [], Array(list.at(-1)?.size).fill(0.7))).toBeLessThan(1e-6);
          expect(largestError(again.dataSync(), image.dataSync())).toBeLessThan(3e-6);
          expect(list.at(-1)).not.toBe(flat);
          tf.dispose([flat, image, list, parts, again]);
          expect(tf.memory().numTensors).toBe(before);
        }),
        runs(backend),
      );
    });

    it('gradients pass through the levels and back', () => {
      tf.tidy(() => {
        const [image, weights] = [numbers([1, 7, 10, 1], 1), numbers([1, 7, 10, 1], 2)];
        const rebuilt = (x: tf.Tensor): tf.Tensor => {
          const [first, ...others] = laplacianPyramid(x, { levels: 3, pyramid }) as [tf.Tensor];
          return tf.sum(tf.mul(collapsePyramid([tf.mul(first, 3), ...others], { pyramid }), weights));
        };
        // A linear map: its gradient along any direction is its value there.
        const direction = numbers([1, 7, 10, 1], 3);
        const expected = rebuilt(direction).dataSync()[0] as number;
        expect(inner(tf.grad(rebuilt)(image), direction)).toBeCloseTo(expected, 4);
      });
    });
  });
});

describe('bad input to pyramids', () => {
  it.each([
    [
      () => laplacianPyramid(tf.zeros([4, 4])),
      'laplacianPyramid: image must be of shape [batch, height, width, channels]',
    ],
    [
      () => laplacianPyramid(tf.zeros([1, 4, 4, 1]), { levels: 0 }),
      'laplacianPyramid: levels must be an integer of at least 1, received 0.',
    ],
    [
      () => laplacianPyramid(tf.zeros([1, 4, 4, 1]), { pyramid: 'haar' as Pyramid }),
      'laplacianPyramid: pyramid must be one of "paris", "opencv", "lin", received "haar".',
    ],
    [() => collapsePyramid([]), 'collapsePyramid: levels.length must be an integer of at least 1, received 0.'],
    [
      () => collapsePyramid([tf.zeros([1, 5, 4, 1]), tf.zeros([1, 2, 2, 1])]),
      'collapsePyramid: levels[1] must be of shape [1, 3, 2, 1], received [1, 2, 2, 1].',
    ],
  ])('names it: %#', (action, message) => {
    expect(action).toThrow(message);
  });
});
