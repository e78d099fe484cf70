import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import { type VisionTransformerConfig, visionTransformer } from '../../src/cropr/vision_transformer.js';
import { importWeights } from '../../src/import-weights/import_weights.js';
import { timmNames, type WeightSource } from '../../src/import-weights/weight_names.js';
import { decode, expectNear, type NumberArray, ourKey, type RecordedGroup } from '../cropr/golden.js';
import { images, outputsOf, type VitFixture, vitFixtures } from '../cropr/vit_fixtures.js';
import { type FloatType, writeSafetensors } from './write_safetensors.js';

const VIT: VisionTransformerConfig = {
  imageSize: 32,
  channels: 3,
  patchSize: 8,
  dim: 16,
  depth: 5,
  heads: 2,
  classes: 5,
};

type StateDict = Record<string, NumberArray>;

/** Recorded weights as a file has them: torch's names and layout. */
function stateDict(weights: RecordedGroup): StateDict {
  return Object.fromEntries(Object.entries(weights).map(([name, array]) => [name, decode(array)]));
}

function build(fixture: Pick<VitFixture, 'pruning'>, other: Partial<VisionTransformerConfig> = {}): tf.LayersModel {
  return visionTransformer({ ...VIT, seed: 1, ...(fixture.pruning && { pruning: fixture.pruning }), ...other });
}

/** Runs the body and gives all its memory back. */
function scoped(body: () => void): void {
  tf.engine().startScope();
  try {
    body();
  } finally {
    tf.engine().endScope();
  }
}

function valuesOf(model: tf.LayersModel): Map<string, number[]> {
  return new Map(modelWeights(model).map(({ key, variable }) => [key, Array.from(variable.dataSync())]));
}

describe.each(Object.entries(vitFixtures))('a file with the weights of %s', (_, fixture) => {
  const state = stateDict(fixture.weights);

  it('fills the model: nothing missing, nothing unused, the authors’ logits', () => {
    scoped(() => {
      const model = build(fixture);
      const report = importWeights(model, writeSafetensors(state));
      expect(report).toEqual({
        imported: modelWeights(model).map(({ key }) => key),
        resampled: [],
        missing: [],
        unused: [],
      });
      const [main, ...aux] = outputsOf(model, images(fixture), true);
      expectNear(main, decode(fixture.train['main_logits'] as RecordedGroup[string]), 1e-5, 'logits');
      for (const [i, logits] of aux.entries())
        expectNear(logits, decode(fixture.train[`aux_logits_${i}`] as RecordedGroup[string]), 1e-5, `aux ${i}`);
    });
  });

  it('names each weight as the tests of the recorded numbers do', () => {
    for (const name of Object.keys(state)) {
      expect(
        timmNames(ourKey(name)).map(({ names }) => names),
        name,
      ).toContainEqual([name]);
    }
  });

  it.each([
    ['F16', 2 ** -11],
    ['BF16', 2 ** -8],
  ] as const)('in %s gives the weights to its precision', (type: FloatType, precision) => {
    scoped(() => {
      const [exact, rounded] = [build(fixture), build(fixture)];
      importWeights(exact, writeSafetensors(state));
      importWeights(rounded, writeSafetensors(state, type));
      const expected = valuesOf(exact);
      const excess = [...valuesOf(rounded)].flatMap(([key, values]) =>
        values.map((value, i) => {
          const original = expected.get(key)?.[i] as number;
          return Math.abs(value - original) - precision * Math.abs(original);
        }),
      );
      // Numbers below 2^-14 are not normal in float16; the test's writer makes them 0.
      expect(excess.filter((one) => !(one <= 2 ** -14))).toEqual([]);
      expect(excess.some((one) => one > -1e-6)).toBe(true);
    });
  });
});

describe('a file that does not fit', () => {
  const fixture = vitFixtures.vit_cls_unpruned;
  const state = stateDict(fixture.weights);
  const pick = (name: string): NumberArray => state[name] as NumberArray;

  it('is reported: what the model misses, what nothing took', () => {
    scoped(() => {
      const model = build(vitFixtures.vit_cls_llf);
      const { 'blocks.2.attn.qkv.bias': _, ...rest } = state;
      const before = valuesOf(model);
      const report = importWeights(model, writeSafetensors({ ...rest, 'rope.freqs': { shape: [1], values: [0] } }));
      expect(report.unused).toEqual(['rope.freqs']);
      expect(report.missing.filter((key) => !/^(router|aux)_/.test(key))).toEqual(['block_2/qkvBias']);
      const after = valuesOf(model);
      for (const key of report.missing) expect(after.get(key), key).toEqual(before.get(key));
      for (const key of report.imported) expect(report.missing).not.toContain(key);
    });
  });

  it.each([
    ['a head of other classes', 'head.weight', { shape: [4, 16], values: new Array(64).fill(0) }, 'head/kernel'],
    ['a kernel that is not transposed as torch has it', 'blocks.0.mlp.fc1.weight', null, 'block_0/fc1Kernel'],
    ['positions of no grid', 'pos_embed', { shape: [1, 3, 16], values: new Array(48).fill(0) }, 'embed/positions'],
    ['no position at all', 'pos_embed', { shape: [1, 0, 16], values: [] }, 'embed/positions'],
    [
      'a class token of another width',
      'cls_token',
      { shape: [1, 1, 8], values: new Array(8).fill(0) },
      'embed/classToken',
    ],
  ])('is refused before anything changes: %s', (_, name, given, key) => {
    scoped(() => {
      const [rows, columns] = pick(name).shape as [number, number];
      const wrong = given ?? { shape: [columns, rows], values: pick(name).values };
      const model = build(fixture);
      const before = valuesOf(model);
      expect(() => importWeights(model, writeSafetensors({ ...state, [name]: wrong }))).toThrow(
        new RegExp(
          `^importWeights: "${name}" for ${key} must be of shape \\[[\\d,]+\\] in the layout of tfjs, received`,
        ),
      );
      expect(valuesOf(model)).toEqual(before);
    });
  });

  it('can be read around: names of one’s own, a layer left out', () => {
    scoped(() => {
      const model = build(fixture);
      const prefixed = Object.fromEntries(Object.entries(state).map(([name, array]) => [`module.${name}`, array]));
      const names = (weight: string): WeightSource[] =>
        weight.startsWith('head/')
          ? []
          : timmNames(weight).map((source) => ({ ...source, names: source.names.map((name) => `module.${name}`) }));
      const { missing, unused } = importWeights(model, writeSafetensors(prefixed), names);
      expect(missing).toEqual(['head/gamma', 'head/beta', 'head/kernel', 'head/bias']);
      expect(unused).toEqual([
        'module.fc_norm.weight',
        'module.fc_norm.bias',
        'module.head.weight',
        'module.head.bias',
      ]);
    });
  });
});

describe('packed queries, keys and values', () => {
  const state = stateDict(vitFixtures.vit_cls_unpruned.weights);

  it('are joined from three kernels', () => {
    scoped(() => {
      const [packed, parts] = [build({}), build({})];
      importWeights(packed, writeSafetensors(state));
      const apart: StateDict = {};
      for (const [name, { shape, values }] of Object.entries(state)) {
        const [, block] = /^(blocks\.\d\.attn)\.qkv\.weight$/.exec(name) ?? [];
        if (block === undefined) apart[name] = { shape, values };
        else
          for (const [i, letter] of ['q', 'k', 'v'].entries())
            apart[`${block}.${letter}_proj.weight`] = {
              shape: [16, 16],
              values: Array.from(values).slice(256 * i, 256 * (i + 1)),
            };
      }
      expect(importWeights(parts, writeSafetensors(apart)).missing).toEqual([]);
      expect(valuesOf(parts)).toEqual(valuesOf(packed));
    });
  });

  it('are refused where the parts do not belong together', () => {
    scoped(() => {
      const { 'blocks.0.attn.qkv.weight': qkv, ...rest } = state;
      const third = { shape: [16, 16], values: Array.from(qkv?.values ?? []).slice(0, 256) };
      const wrong: StateDict = {
        ...rest,
        'blocks.0.attn.q_proj.weight': third,
        'blocks.0.attn.k_proj.weight': third,
        'blocks.0.attn.v_proj.weight': { shape: [16, 8], values: third.values.slice(0, 128) },
      };
      expect(() => importWeights(build({}), writeSafetensors(wrong))).toThrow('for block_0/qkvKernel must be');
    });
  });
});

describe('another image or patch size', () => {
  const state = stateDict(vitFixtures.vit_cls_unpruned.weights);

  it('gets its positions resampled, its patch kernel too, and says so', () => {
    scoped(() => {
      const larger = build({}, { imageSize: [64, 48] });
      expect(importWeights(larger, writeSafetensors(state)).resampled).toEqual(['embed/positions']);
      const finer = build({}, { imageSize: 64, patchSize: 16 });
      expect(importWeights(finer, writeSafetensors(state)).resampled).toEqual(['embed/kernel']);
      const both = build({}, { imageSize: 32, patchSize: 4 });
      expect(importWeights(both, writeSafetensors(state)).resampled).toEqual(['embed/kernel', 'embed/positions']);
    });
  });

  it('sees an image of twice the size as it saw the small one', () => {
    // Each patch constant: kernels keep their products with resampled patches, and a constant patch stays one.
    scoped(() => {
      const [small, large] = [build({}), build({}, { imageSize: 64, patchSize: 16 })];
      for (const model of [small, large]) importWeights(model, writeSafetensors(state));
      const cells = tf.randomUniform([2, 4, 4, 3], -1, 1, 'float32', 1) as tf.Tensor4D;
      const logits = (model: tf.LayersModel, side: number): tf.Tensor =>
        model.predict(tf.image.resizeNearestNeighbor(cells, [side, side])) as tf.Tensor;
      const expected = logits(small, 32);
      expectNear(logits(large, 64), { shape: expected.shape, values: expected.dataSync() }, 1e-4, 'logits');
    });
  });
});
