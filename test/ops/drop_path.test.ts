import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomStream } from '../../src/core/random.js';
import { dropPath } from '../../src/ops/drop_path.js';
import { onEachBackend } from '../setup/backends.js';
import { expectLaw, plain, runs } from './laws.js';

onEachBackend((backend) => {
  describe('dropPath', () => {
    it('keeps or drops whole samples by the stream, scales what stays, with its gradient', () => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
          fc.constantFrom(0, 0.25, 0.5, 0.9),
          fc.nat({ max: 1000 }),
          (shape, rate, seed) => {
            const stream = randomStream(seed, 'drop');
            const scales = Array.from({ length: shape[0] as number }, () =>
              stream.uniform() < rate ? 0 : 1 / (1 - rate),
            );
            const x = plain(shape, 'x');
            const perSample = x.values.length / scales.length;
            expectLaw({
              op: (x) => dropPath(x as tf.Tensor, rate, randomStream(seed, 'drop')),
              reference: (x) =>
                (x as number[]).map((value, at) => value * (scales[Math.floor(at / perSample)] as number)),
              inputs: [x],
              shape,
            });
          },
        ),
        runs(backend),
      );
    });

    it('drops the share it is told, and keeps the mean', () => {
      const kept = Array.from(dropPath(tf.ones([4000, 1]), 0.3, randomStream(1, 'share')).dataSync());
      expect(kept.filter((value) => value === 0).length / 4000).toBeCloseTo(0.3, 1);
      expect(kept.reduce((sum, value) => sum + value, 0) / 4000).toBeCloseTo(1, 1);
    });
  });
});
