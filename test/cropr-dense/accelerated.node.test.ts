import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import type { DensePruningConfig } from '../../src/cropr-dense/dense_module.js';
import { segmentationTargets } from '../../src/cropr-dense/label_maps.js';
import { segmentationLoss } from '../../src/cropr-dense/segmentation_loss.js';
import { segmentationTransformer } from '../../src/cropr-dense/segmentation_transformer.js';
import { accelerateWasm, type WasmAcceleration } from '../../src/wasm/index.js';
import { largestError } from '../cropr/golden.js';
import { outputsOf } from '../cropr/vit_fixtures.js';

const SCHEDULE = { prune: [2, 2], after: [0, 1] };
const networks: [string, DensePruningConfig | null][] = [
  ['unpruned', null],
  ['fusion before the last block', SCHEDULE],
  ['fusion behind it', { ...SCHEDULE, fusion: 'end', router: 'attention' }],
  ['fusion of logits', { ...SCHEDULE, fusion: 'logits' }],
  ['no fusion', { ...SCHEDULE, fusion: 'none', router: 'random' }],
];

/** Loss and gradients by name. */
function evaluate(pruning: DensePruningConfig | null): Map<string, Float32Array> {
  tf.engine().startScope();
  try {
    const config = {
      imageSize: [4, 6],
      channels: 1,
      patchSize: 2,
      dim: 8,
      depth: 4,
      heads: 2,
      classes: 3,
      seed: 1,
    } as const;
    const model = segmentationTransformer({ ...config, kernelStd: 0.3, ...(pruning && { pruning }) });
    const labels = tf.tensor3d(
      [0, 1, 2, 255, 0, 1].flatMap((label) => [label, 2, 1, label]),
      [1, 4, 6],
      'int32',
    );
    const targets = segmentationTargets(labels, model);
    const images = tf.reshape(tf.sin(tf.range(0, 24)), [1, 4, 6, 1]);
    const weights = modelWeights(model);
    const { value, grads } = tf.variableGrads(
      () => {
        const outputs = outputsOf(model, images, false);
        return tf.addN(outputs.map((logits, i) => segmentationLoss()(targets[i] as tf.Tensor, logits))).asScalar();
      },
      weights.map(({ variable }) => variable),
    );
    const found = weights.map(({ key, variable }) => [key, grads[variable.name]?.dataSync().slice()] as const);
    model.dispose();
    return new Map([['loss', value.dataSync().slice()], ...found] as [string, Float32Array][]);
  } finally {
    tf.engine().endScope();
  }
}

describe('with the kernels of tfjs-llf/wasm', () => {
  const stock = new Map<string, Map<string, Float32Array>>();
  let handle: WasmAcceleration | undefined;

  beforeAll(async () => {
    await tf.setBackend('wasm');
    await tf.ready();
    for (const [name, pruning] of networks) stock.set(name, evaluate(pruning));
    handle = await accelerateWasm();
    expect(handle.warning).toBe('');
  });
  afterAll(() => handle?.dispose());

  it.each(networks)('loss and gradients are those without: %s', (name, pruning) => {
    const found = evaluate(pruning);
    expect(found.get('loss')?.[0]).toBeGreaterThan(0.1);
    for (const [key, values] of stock.get(name) ?? []) {
      expect(largestError(found.get(key) ?? [], values), key).toBeLessThan(1e-5);
    }
  });
});
