import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomStream } from '../../src/core/random.js';
import { stripAuxHeads } from '../../src/cropr/strip_aux_heads.js';
import { averagePrecision } from '../../src/detection/average_precision.js';
import { detect } from '../../src/detection/detect.js';
import { detectionLoss } from '../../src/detection/detection_loss.js';
import { detectionTargets } from '../../src/detection/detection_targets.js';
import { detectionTransformer } from '../../src/detection/detection_transformer.js';
import { boxOverlap, maskOverlap } from '../../src/detection/overlap.js';
import { accelerateWasm, type WasmAcceleration } from '../../src/wasm/index.js';

const SIDE = 16;

/** Scenes of one bar that stands or lies, with its pixels. */
function scenes(count: number) {
  const stream = randomStream(1, 'bars');
  const pixels = new Float32Array(count * SIDE ** 2);
  const objects = Array.from({ length: count }, (_, i) => {
    const stands = stream.uniform() < 0.5;
    const [height, width] = stands ? [8, 4] : [4, 8];
    const [top, left] = [stream.integer(SIDE - height + 1), stream.integer(SIDE - width + 1)];
    const mask: number[] = [];
    for (let y = top; y < top + height; y++) for (let x = left; x < left + width; x++) mask.push(y * SIDE + x);
    for (const pixel of mask) pixels[i * SIDE ** 2 + pixel] = 1;
    return [{ label: stands ? 1 : 0, box: [top, left, top + height, left + width] as const, mask }];
  });
  return { images: tf.tensor4d(pixels, [count, SIDE, SIDE, 1]), objects };
}

describe('a detector', () => {
  let handle: WasmAcceleration | undefined;
  beforeAll(async () => {
    await tf.setBackend('wasm');
    await tf.ready();
    handle = await accelerateWasm();
  });
  afterAll(() => handle?.dispose());

  it('finds what it was shown, boxes and masks, though 9 of 16 patches are gone meanwhile', async () => {
    const model = detectionTransformer({
      imageSize: SIDE,
      channels: 1,
      patchSize: 4,
      dim: 16,
      depth: 3,
      heads: 2,
      classes: 2,
      masks: { prototypes: 4 },
      pruning: { prune: 8 },
      kernelStd: 0.2,
      positionStd: 0.3,
      seed: 1,
    });
    model.compile({ optimizer: tf.train.adam(0.01), loss: detectionLoss(model, { alpha: 0.5, gamma: 0 }) });
    const { images, objects } = scenes(8);
    const targets = detectionTargets(objects, model);
    await model.fit(images, targets, { epochs: 120, batchSize: 8, shuffle: false, verbose: 0 });
    const found = await detect(stripAuxHeads(model), images);
    const seen = objects.map((there, i) => ({ objects: there, detections: found[i] ?? [] }));
    expect(averagePrecision(seen, boxOverlap).ap50).toBeGreaterThan(0.75);
    expect(averagePrecision(seen, maskOverlap).ap50).toBeGreaterThan(0.75);
  });
});
