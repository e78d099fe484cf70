import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { AttentionPruner } from '../../src/cropr/attention_pruner_layer.js';
import { AuxHead } from '../../src/cropr/aux_head_layer.js';
import { ClassificationHead } from '../../src/cropr/classification_head_layer.js';
import { CroprPruner } from '../../src/cropr/cropr_pruner_layer.js';
import { keptTokens } from '../../src/cropr/kept_tokens.js';
import { LastLayerFusion } from '../../src/cropr/last_layer_fusion_layer.js';
import { patchEmbedding } from '../../src/cropr/patch_embedding_layer.js';
import type { PruningConfig } from '../../src/cropr/pruning_module.js';
import { RandomPruner } from '../../src/cropr/random_pruner_layer.js';
import { stripAuxHeads } from '../../src/cropr/strip_aux_heads.js';
import { TokenMerger } from '../../src/cropr/token_merger_layer.js';
import { transformerBlock } from '../../src/cropr/transformer_block_layer.js';
import { VariancePruner } from '../../src/cropr/variance_pruner_layer.js';
import { type VisionTransformerConfig, visionTransformer } from '../../src/cropr/vision_transformer.js';
import { onEachBackend } from '../setup/backends.js';

/** A value of a type that the compiler would refuse. */
function wrong<T>(value: unknown): T {
  return value as T;
}

/** Symbolic tensors of these shapes, batch open. */
function inputs(...shapes: (number | null)[][]): tf.SymbolicTensor[] {
  return shapes.map((shape) => tf.input({ shape }));
}

/** Connects a layer to inputs of these shapes. */
function connect(layer: tf.layers.Layer, ...shapes: (number | null)[][]): unknown {
  const tensors = inputs(...shapes);
  return layer.apply(tensors.length === 1 ? (tensors[0] as tf.SymbolicTensor) : tensors);
}

function vit(pruning: Partial<PruningConfig>, change: Partial<VisionTransformerConfig> = {}): tf.LayersModel {
  const size = { imageSize: 8, channels: 1, patchSize: 2, dim: 4, depth: 4, heads: 2, classes: 3 };
  return visionTransformer({ ...size, pruning: { prune: 2, ...pruning }, ...change });
}

type Cases = [what: string, action: () => unknown, message: string][];

const atConstruction: Cases = [
  [
    'a negative rate',
    () => new CroprPruner({ prune: -1 }),
    'CroprPruner: prune must be an integer of at least 0, received -1.',
  ],
  [
    'a rate that is not whole',
    () => new CroprPruner({ prune: 2.5 }),
    'CroprPruner: prune must be an integer of at least 0, received 2.5.',
  ],
  [
    'no rate',
    () => new CroprPruner(wrong({})),
    'CroprPruner: prune must be an integer of at least 0, received undefined.',
  ],
  [
    'a rate in words',
    () => new RandomPruner({ prune: wrong('2') }),
    'RandomPruner: prune must be an integer of at least 0, received "2".',
  ],
  [
    'a rate that is NaN',
    () => new VariancePruner({ prune: Number.NaN }),
    'VariancePruner: prune must be an integer of at least 0, received NaN.',
  ],
  [
    'an infinite rate',
    () => new AttentionPruner({ prune: Number.POSITIVE_INFINITY }),
    'AttentionPruner: prune must be an integer of at least 0, received Infinity.',
  ],
  [
    'a negative merge',
    () => new TokenMerger({ prune: -1 }),
    'TokenMerger: prune must be an integer of at least 0, received -1.',
  ],
  [
    'no queries',
    () => new CroprPruner({ prune: 1, queries: 0 }),
    'CroprPruner: queries must be an integer of at least 1, received 0.',
  ],
  [
    'no heads',
    () => new CroprPruner({ prune: 1, heads: 0 }),
    'CroprPruner: heads must be an integer of at least 1, received 0.',
  ],
  [
    'a switch that is a number',
    () => new CroprPruner({ prune: 1, preNorm: wrong(1) }),
    'CroprPruner: preNorm must be a boolean, received 1.',
  ],
  [
    'an unknown rule',
    () => new CroprPruner({ prune: 1, keep: wrong('best') }),
    'CroprPruner: keep must be one of "salient", "nonSalient", received "best".',
  ],
  [
    'an aux head without classes',
    () => new AuxHead({ units: 0 }),
    'AuxHead: units must be an integer of at least 1, received 0.',
  ],
  [
    'a negative ratio',
    () => new AuxHead({ units: 2, mlpRatio: -1 }),
    'AuxHead: mlpRatio must be a number of at least 0, received -1.',
  ],
  [
    'half a class',
    () => new ClassificationHead({ units: 1.5 }),
    'ClassificationHead: units must be an integer of at least 1, received 1.5.',
  ],
  [
    'an unknown pool',
    () => new ClassificationHead({ units: 2, pool: wrong('max') }),
    'ClassificationHead: pool must be one of "avg", "token", received "max".',
  ],
  [
    'a fusion by a word',
    () => new LastLayerFusion({ restoreOrder: wrong('yes') }),
    'LastLayerFusion: restoreOrder must be a boolean, received "yes".',
  ],
  [
    'a patch without size',
    () => patchEmbedding({ patchSize: 0, dim: 4 }),
    'PatchEmbedding: patchSize must be an integer of at least 1, received 0.',
  ],
  [
    'a block that always drops',
    () => transformerBlock({ heads: 1, dropPath: 1 }),
    'TransformerBlock: dropPath must be a number in [0, 0.999], received 1.',
  ],
  [
    'an unknown extra output',
    () => transformerBlock({ heads: 1, extraOutput: wrong('values') }),
    'TransformerBlock: extraOutput must be one of "none", "classAttention", "keys", received "values".',
  ],
];

const whenConnected: Cases = [
  [
    'a rate that leaves no token',
    () => connect(new CroprPruner({ prune: 6, classToken: false }), [6, 4]),
    'CroprPruner: prune must be an integer in [0, 5], received 6.',
  ],
  [
    'a rate that prunes the class token',
    () => connect(new CroprPruner({ prune: 6 }), [6, 4]),
    'CroprPruner: prune must be an integer in [0, 4], received 6.',
  ],
  [
    'a rate that leaves only the class token',
    () => connect(new RandomPruner({ prune: 5 }), [6, 4]),
    'RandomPruner: prune must be an integer in [0, 4], received 5.',
  ],
  [
    'too much to merge',
    () => connect(new TokenMerger({ prune: 4 }), [7, 4], [7, 2]),
    'TokenMerger: prune must be an integer in [0, 3], received 4.',
  ],
  [
    'tokens of rank 2',
    () => connect(new CroprPruner({ prune: 1 }), [6]),
    'CroprPruner: tokens must be of shape [batch, tokens, dim], received [null, 6].',
  ],
  [
    'tokens of rank 4',
    () => connect(new VariancePruner({ prune: 1 }), [6, 4, 1]),
    'VariancePruner: tokens must be of shape [batch, tokens, dim], received [null, 6, 4, 1].',
  ],
  [
    'an unknown number of tokens',
    () => connect(new CroprPruner({ prune: 1 }), [null, 4]),
    'CroprPruner: tokens must be of shape [batch, tokens, dim], received [null, null, 4].',
  ],
  [
    'heads that do not divide the width',
    () => connect(new CroprPruner({ prune: 1, heads: 3 }), [6, 4]),
    'CroprPruner: heads must be a divisor of the token width 4, received 3.',
  ],
  [
    'ids of other tokens',
    () => connect(new CroprPruner({ prune: 1 }), [6, 4], [5]),
    'CroprPruner: ids must be of shape [batch, 6], received [null, 5].',
  ],
  [
    'too many inputs',
    () => connect(new CroprPruner({ prune: 1 }), [6, 4], [6], [6]),
    'CroprPruner: inputs must be 1 tensors, or one more with ids, received 3.',
  ],
  [
    'no attention',
    () => connect(new AttentionPruner({ prune: 1 }), [6, 4]),
    'AttentionPruner: inputs must be 2 tensors, or one more with ids, received 1.',
  ],
  [
    'attention over other tokens',
    () => connect(new AttentionPruner({ prune: 1 }), [6, 4], [5]),
    'AttentionPruner: attention must be of shape [batch, 6], received [null, 5].',
  ],
  [
    'keys of other tokens',
    () => connect(new TokenMerger({ prune: 1 }), [6, 4], [5, 2]),
    'TokenMerger: keys must be of shape [batch, 6, depth], received [null, 5, 2].',
  ],
  [
    'an aux head with other heads than its router',
    () => connect(new AuxHead({ units: 2 }), [6, 4], [2, 1, 6]),
    'AuxHead: attention must be of shape [batch, 1, queries, 6], received [null, 2, 1, 6].',
  ],
  [
    'an aux head on other tokens than its router',
    () => connect(new AuxHead({ units: 2 }), [5, 4], [1, 1, 6]),
    'AuxHead: attention must be of shape [batch, 1, queries, 5], received [null, 1, 1, 6].',
  ],
  [
    'an aux head without attention',
    () => connect(new AuxHead({ units: 2 }), [6, 4]),
    'AuxHead: inputs must be [tokens, attention], received [[null, 6, 4]].',
  ],
  [
    'an aux head on a ranking',
    () => connect(new AuxHead({ units: 2 }), [6, 4], [6]),
    'AuxHead: attention must be of shape [batch, 1, queries, 6], received [null, 6].',
  ],
  [
    'nothing to fuse',
    () => connect(new LastLayerFusion(), [6, 4]),
    'LastLayerFusion: inputs must be [kept, pruned, ...], received [[null, 6, 4]].',
  ],
  [
    'tokens of different widths',
    () => connect(new LastLayerFusion(), [6, 4], [2, 3]),
    'LastLayerFusion: inputs[1] must be of shape [batch, tokens, 4], received [null, 2, 3].',
  ],
  [
    'ids for some tokens only',
    () => connect(new LastLayerFusion({ restoreOrder: true }), [6, 4], [2, 4], [6]),
    'LastLayerFusion: inputs must be [kept, pruned, ..., keptIds, prunedIds, ...], received',
  ],
  [
    'ids that do not match',
    () => connect(new LastLayerFusion({ restoreOrder: true }), [6, 4], [2, 4], [6], [3]),
    'LastLayerFusion: inputs[3] must be of shape [batch, 2], received [null, 3].',
  ],
  [
    'a patch that does not divide the image',
    () => connect(patchEmbedding({ patchSize: 3, dim: 4 }), [6, 8, 1]),
    'PatchEmbedding: patchSize must be a divisor of the image sides 6 and 8, received 3.',
  ],
  [
    'an image without channels',
    () => connect(patchEmbedding({ patchSize: 2, dim: 4 }), [6, 8]),
    'PatchEmbedding: image must be of shape [batch, height, width, channels], received [null, 6, 8].',
  ],
  [
    'a block on images',
    () => connect(transformerBlock({ heads: 2 }), [6, 4, 1]),
    'TransformerBlock: tokens must be of shape [batch, tokens, dim], received [null, 6, 4, 1].',
  ],
  [
    'a block whose heads do not divide',
    () => connect(transformerBlock({ heads: 3 }), [6, 4]),
    'TransformerBlock: heads must be a divisor of the token width 4, received 3.',
  ],
  [
    'a head on one vector',
    () => connect(new ClassificationHead({ units: 2 }), [4]),
    'ClassificationHead: tokens must be of shape [batch, tokens, dim], received [null, 4].',
  ],
];

const inTheBuilder: Cases = [
  ['no depth', () => vit({}, { depth: 0 }), 'visionTransformer: depth must be an integer of at least 1, received 0.'],
  [
    'a depth too small for fusion',
    () => vit({}, { depth: 2 }),
    'visionTransformer: depth must be at least 3 with pruning and fusion, received 2.',
  ],
  [
    'a module after the last block',
    () => vit({ after: [0, 3], fusion: false }),
    'visionTransformer: pruning.after[1] must be an integer in [0, 2], received 3.',
  ],
  [
    'a module whose tokens would come back at once',
    () => vit({ after: [2] }),
    'visionTransformer: pruning.after[0] must be an integer in [0, 1], received 2.',
  ],
  [
    'modules out of order',
    () => vit({ after: [1, 0] }),
    'visionTransformer: pruning.after must be a strictly increasing list of block indices, received [1, 0].',
  ],
  [
    'no module',
    () => vit({ after: [] }),
    'visionTransformer: pruning.after must be a list of at least one block, received [].',
  ],
  [
    'a rate too many',
    () => vit({ prune: [1, 2, 3] }),
    'visionTransformer: pruning.prune must be a number or a list of 2 (one per module), received [1, 2, 3].',
  ],
  [
    'a negative rate',
    () => vit({ prune: -1 }),
    'visionTransformer: pruning.prune must be an integer of at least 0, received -1.',
  ],
  [
    'a rate in a list that is not whole',
    () => vit({ prune: [1, 0.5] }),
    'visionTransformer: pruning.prune[1] must be an integer of at least 0, received 0.5.',
  ],
  [
    'a schedule that leaves no token',
    () => vit({ prune: 8 }),
    'visionTransformer: pruning.prune must be a schedule that leaves some of 16 patches, received [9, 8].',
  ],
  [
    'an unknown router',
    () => vit({ router: wrong('best') }),
    'visionTransformer: pruning.router must be one of "cropr"',
  ],
  [
    'fusion of merged tokens',
    () => vit({ router: 'tome', fusion: true }),
    'visionTransformer: pruning.fusion must be false for "tome", which drops no token, received true.',
  ],
  [
    'a scorer for a router without queries',
    () => vit({ router: 'random', scorer: { heads: 2 } }),
    'visionTransformer: pruning.scorer must be left out for "random", which scores without queries',
  ],
  [
    'an image without size',
    () => vit({}, { imageSize: 0 }),
    'visionTransformer: imageSize must be an integer of at least 1, received 0.',
  ],
  [
    'a drop path of 1',
    () => vit({}, { dropPath: 1 }),
    'visionTransformer: dropPath must be a number in [0, 0.999], received 1.',
  ],
  [
    'stripping a model of aux heads alone',
    () => {
      const model = vit({});
      return stripAuxHeads(tf.model({ inputs: model.inputs, outputs: model.outputs.slice(1), name: 'auxOnly' }));
    },
    'stripAuxHeads: model must be one with an output besides those of aux heads, received "auxOnly".',
  ],
];

describe.each([
  ['at construction', atConstruction],
  ['when a layer is connected', whenConnected],
  ['in the builder', inTheBuilder],
] as const)('bad input is named %s:', (_, cases) => {
  it.each(cases)('%s', (_what, action, message) => {
    expect(action).toThrow(message);
  });
});

describe('bad input to keptTokens', () => {
  it('is a model without routers, or images of another rank', async () => {
    const unpruned = visionTransformer({
      imageSize: 4,
      channels: 1,
      patchSize: 2,
      dim: 4,
      depth: 1,
      heads: 1,
      classes: 2,
      name: 'plain',
    });
    const message = 'keptTokens: model must be one with routers, received "plain".';
    await expect(keptTokens(unpruned, tf.zeros([1, 4, 4, 1]))).rejects.toThrow(message);
    await expect(keptTokens(vit({}), tf.zeros([8, 8, 1]))).rejects.toThrow(
      'keptTokens: images must be of shape [batch, height, width, channels], received [8, 8, 1].',
    );
  });
});

onEachBackend(() => {
  describe('scores that are not finite', () => {
    const spoilt = (value: number): tf.Tensor3D =>
      tf.tensor3d([
        [
          [0, 1],
          [value, 1],
          [0, 2],
          [1, 1],
        ],
      ]);

    it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
      '%d: the first call names the layer and leaves nothing behind',
      (value) => {
        const layer = new CroprPruner({ name: 'third', prune: 1, seed: 1 });
        layer.apply(tf.input({ shape: [4, 2] }));
        const tokens = spoilt(value);
        const { numTensors } = tf.memory();
        expect(() => layer.apply(tokens)).toThrow(
          'CroprPruner: tokens must have finite scores, received NaN or infinite ones at "third".',
        );
        expect(tf.memory().numTensors).toBe(numTensors);
        tf.dispose(tokens);
      },
    );

    it('stop predict and fit of a model that starts with them', async () => {
      const model = vit({});
      model.getLayer('embed').setWeights(
        model
          .getLayer('embed')
          .getWeights()
          .map((weight) => tf.fill(weight.shape, Number.NaN)),
      );
      const message = 'CroprPruner: tokens must have finite scores, received NaN or infinite ones at "router_0".';
      const x = tf.zeros([2, 8, 8, 1]);
      expect(() => model.predict(x)).toThrow(message);
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      const y = tf.zeros([2, 3]);
      await expect(model.fit(x, [y, y, y], { verbose: 0 })).rejects.toThrow(message);
    });

    it('do not trouble a router that reads no scores from the tokens', () => {
      const [kept] = new RandomPruner({ prune: 1, seed: 1 }).apply(spoilt(Number.NaN)) as tf.Tensor[];
      expect(kept?.shape).toEqual([1, 3, 2]);
    });
  });
});
