import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { segmentationTransformer } from '../../src/cropr-dense/segmentation_transformer.js';
import recorded from '../fixtures/cropr/schedules.json' with { type: 'json' };

describe('the published parameter count', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('of EVA-02-L/16 for ADE20k with 22 modules for training', () => {
    // The graph without the memory for its 2 GB of weights.
    let parameters = 0;
    const layer = tf.layers.Layer.prototype as unknown as { addWeight(name: string, shape: number[]): unknown };
    vi.spyOn(layer, 'addWeight').mockImplementation((_name, shape) => {
      parameters += shape.reduce((product, length) => product * length, 1);
    });
    const size = { imageSize: 512, channels: 3, patchSize: 16, dim: 1024, depth: 24, heads: 16, classes: 150 };
    const model = segmentationTransformer({ ...size, referenceGrid: [16, 16], pruning: { prune: 40 } });
    expect(parameters).toBe(recorded.param_counts.segm_eva02L_patch16_512_150_training);
    const kept = model.layers.filter(({ name }) => name.startsWith('router_')).map((router) => router.getOutputAt(0));
    expect(kept.map((outputs) => (outputs as tf.SymbolicTensor[])[0]?.shape[1])).toEqual(
      recorded.token_counts.segm_eva02L16_512_R40_llf.after_each_cropr,
    );
  });
});
