import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { randomStream } from 'tfjs-llf';
import { describe, expect, it } from 'vitest';
import { hasFashionMnist, loadFashionMnist } from '../../examples/data/mnist.js';
import { FEATURES, PROBES, residualNetwork } from '../../experiments/forgetting/network.js';
import { augmented, mislabel, pick } from '../../experiments/forgetting/samples.js';
import { onEachBackend } from '../setup/backends.js';

const SIDE = 28;
/** Blank images, with one pixel of ink in the middle that tells the image's number. */
function dots(count: number): { pixels: Uint8Array; labels: Uint8Array } {
  const pixels = new Uint8Array(count * SIDE * SIDE);
  for (let i = 0; i < count; i++) pixels[i * SIDE * SIDE + 14 * SIDE + 14] = i + 1;
  return { pixels, labels: Uint8Array.from({ length: count }, (_, i) => i % 10) };
}

describe('loadFashionMnist', () => {
  it('reads gzipped IDX files of the split', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fashion-'));
    const header = (...shape: number[]): number[] => [
      0,
      0,
      8,
      shape.length,
      ...shape.flatMap((n) => [0, 0, n >> 8, n & 255]),
    ];
    const { pixels, labels } = dots(3);
    await writeFile(
      join(folder, 't10k-images-idx3-ubyte.gz'),
      gzipSync(Uint8Array.of(...header(3, SIDE, SIDE), ...pixels)),
    );
    await writeFile(join(folder, 't10k-labels-idx1-ubyte.gz'), gzipSync(Uint8Array.of(...header(3), ...labels)));
    const read = await loadFashionMnist('test', folder);
    expect([Uint8Array.from(read.pixels), Uint8Array.from(read.labels)]).toEqual([pixels, labels]);
    expect([hasFashionMnist(folder), hasFashionMnist(join(folder, 'none'))]).toEqual([true, false]);
    await rm(folder, { recursive: true });
  });
});

describe('mislabel', () => {
  it('replaces the share of labels that it says, and leaves the given set alone', () => {
    const set = dots(200);
    const { labels, replaced } = mislabel(set, 0.4, randomStream(1, 'test'));
    expect(replaced.filter(Boolean)).toHaveLength(80);
    labels.forEach((label, i) => {
      if (replaced[i] === 0) expect(label).toBe(set.labels[i]);
    });
    // Of ten classes drawn at random, one is right by chance.
    const wrong = labels.filter((label, i) => label !== set.labels[i]).length;
    expect(wrong).toBeGreaterThan(60);
    expect(set.labels).toEqual(dots(200).labels);
  });
});

describe('pick', () => {
  it('takes images with their labels', () => {
    const { pixels, labels } = pick(dots(5), [4, 0]);
    expect([...labels]).toEqual([4, 0]);
    expect(pixels.filter(Boolean)).toEqual(Uint8Array.of(5, 1));
  });
});

onEachBackend(() => {
  it('an epoch shows each image once, near its place, and another epoch shows it elsewhere', async () => {
    const before = tf.memory().numTensors;
    const set = mislabel(dots(20), 0, randomStream(1, 'test'));
    const dataset = augmented(set, 8, 3);
    const epoch = async (): Promise<Map<number, number>> => {
      const places = new Map<number, number>();
      await dataset.forEachAsync((batch) => {
        const { xs, ys } = batch as { xs: tf.Tensor; ys: tf.Tensor };
        const values = tf.tidy(() => xs.mul(0.353).add(0.286).mul(255).dataSync());
        values.forEach((value, i) => {
          if (Math.round(value) > 0) places.set(Math.round(value), i % (SIDE * SIDE));
        });
        expect(ys.shape).toEqual([xs.shape[0], 10]);
        tf.dispose([xs, ys]);
      });
      return places;
    };
    const first = await epoch();
    const second = await epoch();
    expect([...first.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    for (const place of first.values()) {
      expect(Math.abs(Math.floor(place / SIDE) - 14)).toBeLessThanOrEqual(2);
      expect(Math.abs((place % SIDE) - 13.5)).toBeLessThanOrEqual(2.5);
    }
    expect(second).not.toEqual(first);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('the network has the layers that are probed, and its later layers most of the weights', () => {
    const model = residualNetwork(1);
    const names = model.layers.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...PROBES, FEATURES]));
    const from = names.indexOf('stage2_first_conv');
    expect(names.indexOf('stage2_shortcut_conv')).toBeGreaterThan(from);
    const count = (layers: tf.layers.Layer[]): number => layers.reduce((sum, layer) => sum + layer.countParams(), 0);
    expect(count(model.layers.slice(from)) / count(model.layers)).toBeGreaterThan(0.9);
    model.dispose();
  });
});
