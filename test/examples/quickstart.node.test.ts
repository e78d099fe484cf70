import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadMnist, type MnistSplit } from '../../examples/data/mnist.js';
import { drawDigits } from '../../examples/quickstart/digits.js';
import { accuracy, classesOf, compareSpeed, predict, sameBits } from '../../examples/quickstart/evaluation.js';
import { root } from '../../scripts/entries.js';

describe('drawDigits', () => {
  // Image i is full of i; its label is i modulo 10.
  const split: MnistSplit = {
    pixels: new Uint8Array(50 * 784).map((_, i) => Math.floor(i / 784)),
    labels: new Uint8Array(50).map((_, i) => i % 10),
  };

  it('draws without replacement and keeps image and label together', () => {
    const { raw } = drawDigits(split, 50, 1);
    const drawn = Array.from({ length: 50 }, (_, i) => raw.pixels[i * 784] as number);
    expect([...drawn].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(drawn).not.toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect([...raw.labels]).toEqual(drawn.map((index) => index % 10));
  });

  it('draws the same with the same seed, and fewer as the beginning of more', () => {
    const [five, again, other] = [drawDigits(split, 5, 3), drawDigits(split, 20, 3), drawDigits(split, 20, 4)];
    expect([...again.raw.labels.subarray(0, 5)]).toEqual([...five.raw.labels]);
    expect([...other.raw.labels]).not.toEqual([...again.raw.labels]);
  });

  it('gives tensors of the raw digits: normalised images and one-hot targets', async () => {
    const { images, targets, raw } = drawDigits(split, 3, 1);
    expect([images.shape, targets.shape]).toEqual([
      [3, 28, 28, 1],
      [3, 10],
    ]);
    expect([...(await targets.argMax(-1).data())]).toEqual([...raw.labels]);
    const first = (await images.data())[0] as number;
    expect(first).toBeCloseTo(((raw.pixels[0] as number) / 255 - 0.13) / 0.31, 6);
  });

  it.each([0, -1, 51, 1.5, Number.NaN])('refuses to draw %d of 50', (count) => {
    expect(() => drawDigits(split, count, 1)).toThrow(
      `drawDigits: count must be an integer in [1, 50], received ${count}.`,
    );
  });

  it('normalises by the mean and deviation that the training digits have', async () => {
    const { images } = drawDigits(await loadMnist('train'), 5000, 1);
    const { mean, variance } = tf.moments(images);
    expect((await mean.data())[0]).toBeCloseTo(0, 1);
    expect((await variance.data())[0]).toBeCloseTo(1, 1);
  });
});

describe('evaluation', () => {
  it('takes the highest logit of each row', () => {
    const logits = Float32Array.of(0, 2, 1, -3, -1, -2);
    expect(classesOf(logits, 2)).toEqual([1, 1]);
    expect(accuracy(logits, Uint8Array.of(1, 0))).toBe(50);
  });

  it('compares bits, not values', () => {
    const nan = Float32Array.of(1, Number.NaN);
    expect(sameBits(nan, nan.slice())).toBe(true);
    expect(sameBits(Float32Array.of(0), Float32Array.of(-0))).toBe(false);
    expect(sameBits(Float32Array.of(1), Float32Array.of(1 + 2 ** -23))).toBe(false);
    expect(sameBits(Float32Array.of(1), Float32Array.of(1, 0))).toBe(false);
  });

  it('predicts and times without a leak', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
    const images = tf.ones([250, 3]);
    const before = tf.memory().numTensors;
    const logits = await predict(model, images);
    const speeds = await compareSpeed(model, model, images, 3);
    expect(tf.memory().numTensors).toBe(before);
    expect(logits).toHaveLength(500);
    for (const speed of Object.values(speeds)) expect(speed).toBeGreaterThan(0);
  });
});

describe('npm start', () => {
  let folder = '';
  let stdout = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quickstart-'));
    stdout = await start('64');
  }, 180_000);
  afterAll(() => rm(folder, { recursive: true }));

  async function start(digits: string): Promise<string> {
    const script = [`${root}/examples/quickstart.ts`, digits];
    const run = promisify(execFile);
    const tsx = `${root}/node_modules/tsx/dist/cli.mjs`;
    const options = { cwd: folder, maxBuffer: 2 ** 24 };
    return (await run(process.execPath, [tsx, '--tsconfig', `${root}/tsconfig.test.json`, ...script], options)).stdout;
  }

  it('prints one table with both models', () => {
    const lines = stdout.split('\n').filter((line) => line.startsWith('|'));
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^\| model +\| accuracy \| images\/s \| speed \| training \|$/);
    for (const line of lines.slice(2))
      expect(line).toMatch(/^\| (unpruned|Cropr) +\| +[\d.]+ % \| +\d+ \| +[\d.]+x \| +\d+ s \|$/);
  });

  it('saves a model that loads with identical predictions', async () => {
    expect(stdout).toContain('loaded again: all 20000 logits are the same, bit for bit');
    expect(JSON.parse(await readFile(join(folder, 'models/quickstart/model.json'), 'utf8'))).toHaveProperty(
      'modelTopology',
    );
  });

  it('draws a dozen digits, each before and after two routers', async () => {
    const page = await readFile(join(folder, 'quickstart.html'), 'utf8');
    expect(page.match(/<figure>/g)).toHaveLength(12);
    expect(page.match(/<svg /g)).toHaveLength(36);
  });

  it('says what is wrong in a few lines, and fails', async () => {
    const failure = await start('many').catch((error: { code: number; stderr: string }) => error);
    expect(failure).toMatchObject({ code: 1 });
    const { stderr } = failure as { stderr: string };
    expect(stderr).toContain('drawDigits: count must be an integer in [1, 60000], received NaN.');
    expect(stderr.length).toBeLessThan(2000);
  }, 60_000);
});
