import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type LocalLaplacianOptions, localLaplacian } from '../../src/local-laplacian/local_laplacian.js';
import { withWatchedHeap } from '../kernels/heap.js';
import { onEachBackend } from '../setup/backends.js';

const SIZE = 96;

/** The most bytes per pixel that tensors hold at a time beyond the image, while `compute` runs. */
async function peak(compute: (image: tf.Tensor) => unknown): Promise<number> {
  const image = tf.randomUniform([1, SIZE, SIZE, 1], 0, 1, 'float32', 1);
  const { numBytes } = tf.memory();
  const { peakBytes } = await tf.profile(() => {
    tf.tidy(() => void compute(image));
    return tf.scalar(0);
  });
  image.dispose();
  return (peakBytes - numBytes) / SIZE ** 2;
}

/** One training step of three parameters, the gradient of the image too. */
function step(image: tf.Tensor, options: LocalLaplacianOptions): tf.Tensor[] {
  if (typeof options.remap === 'object') {
    const filtered = (x: tf.Tensor, remap: tf.Tensor) => tf.mean(tf.square(localLaplacian(x, { ...options, remap })));
    return tf.grads(filtered)([image, options.remap]);
  }
  const run = (...all: tf.Tensor[]): tf.Tensor => {
    const [x, sigma, alpha, beta] = all as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    return tf.mean(tf.square(localLaplacian(x, { ...options, sigma, alpha, beta })));
  };
  return tf.grads(run)([image, tf.tensor([0.2]), tf.tensor([0.8]), tf.tensor([0.9])]);
}

onEachBackend(() => {
  describe('memory of the composed operations', () => {
    it('in a training step is below 200 MB for a million pixels and 8 samples', async () => {
      const table = tf.linspace(-1, 1, 65);
      const cases = {
        paris: {},
        opencv: { pyramid: 'opencv' },
        lin: { pyramid: 'lin' },
        'remap of Paris': { remap: 'paris' },
        table: { remap: table },
      } as const;
      for (const [name, options] of Object.entries(cases)) {
        const bytes = await peak((image) => step(image, { samples: 8, ...options }));
        expect.soft(bytes, name).toBeLessThanOrEqual(200);
      }
      table.dispose();
    });

    it('does not grow with the samples, forward or backward', async () => {
      const at = (samples: number) => peak((image) => step(image, { samples }));
      expect(await at(32)).toBeLessThanOrEqual(1.02 * (await at(8)));
      const forward = (samples: number) => peak((image) => localLaplacian(image, { samples }));
      expect(await forward(32)).toBeLessThanOrEqual(1.02 * (await forward(8)));
    });
  });
});

describe('memory of the kernels on WASM', () => {
  const memory = withWatchedHeap();

  it.each(['gauss', 'paris', 'table'] as const)(
    'in a training step is below 40 MB for a million pixels: %s',
    (remap) => {
      const table = tf.linspace(-1, 1, 2049);
      const image = tf.randomUniform([1, SIZE, SIZE, 1], 0, 1, 'float32', 1);
      const peakAt = (samples: number): number => {
        memory.watch.reset();
        tf.tidy(() => void step(image, { samples, remap: remap === 'table' ? table : remap }));
        return memory.watch.peak / SIZE ** 2;
      };
      peakAt(2);
      expect(peakAt(8)).toBeLessThanOrEqual(40);
      expect(peakAt(32)).toBe(peakAt(8));
      tf.dispose([image, table]);
    },
  );
});
