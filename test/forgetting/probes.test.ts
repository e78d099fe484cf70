import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { modelWeights } from '../../src/core/model_weights.js';
import { randomStream } from '../../src/core/random.js';
import { layerFeatures } from '../../src/forgetting/features.js';
import { fewShotEpisodes } from '../../src/forgetting/few_shot.js';
import { difficultGroup, groupAccuracy, margins } from '../../src/forgetting/groups.js';
import { knnProbe } from '../../src/forgetting/knn_probe.js';
import { linearProbe } from '../../src/forgetting/linear_probe.js';
import { predictionDepth } from '../../src/forgetting/prediction_depth.js';
import { topographicSimilarity } from '../../src/forgetting/topographic_similarity.js';
import { normal, smallModel } from '../core/models.js';
import { decode, type Recorded, type RecordedGroup, toTensor } from '../cropr/golden.js';
import lewis from '../fixtures/forgetting/lewis_topsim.json' with { type: 'json' };
import depth from '../fixtures/forgetting/prediction_depth.json' with { type: 'json' };
import targeted from '../fixtures/forgetting/targeted_forgetting.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { assign, expectWeights, ourWeights } from './golden.js';

const matrix = (array: Recorded): tf.Tensor2D => toTensor(decode(array)) as tf.Tensor2D;
const rows = ({ shape, int32 = [] }: Recorded): number[][] =>
  Array.from({ length: shape[0] as number }, (_, i) =>
    int32.slice(i * (shape[1] as number), (i + 1) * (shape[1] as number)),
  );

/** Points around one centre per class. */
function clouds(seed: number, count: number, spread: number): { features: tf.Tensor2D; labels: number[] } {
  const labels = Array.from({ length: count }, (_, i) => i % 3);
  const centres = tf.oneHot(tf.tensor1d(labels, 'int32'), 3);
  return {
    features: tf.add(tf.mul(centres, 5), tf.mul(normal(seed, 'cloud', [count, 3]), spread)) as tf.Tensor2D,
    labels,
  };
}

onEachBackend(() => {
  describe('predictionDepth', () => {
    const train = (): tf.Tensor2D[] => depth.train_embeddings.map(matrix);
    const test = (): tf.Tensor2D[] => depth.test_embeddings.map(matrix);

    it('equals the reference, votes and depths', async () => {
      const { numTensors } = tf.memory();
      const [known, asked] = [train(), test()];
      for (const [probe, expected] of depth.knn_predictions.entries()) {
        const { predictions, accuracy } = await knnProbe(
          {
            trainFeatures: known[probe] as tf.Tensor2D,
            trainLabels: depth.train_labels,
            testFeatures: asked[probe] as tf.Tensor2D,
            testLabels: expected,
          },
          { k: depth.k },
        );
        expect(Array.from(predictions)).toEqual(expected);
        expect(accuracy).toBe(1);
      }
      const { depths, mean } = await predictionDepth(
        {
          trainFeatures: known,
          trainLabels: depth.train_labels,
          features: asked,
          predictions: depth.final_predictions,
        },
        { k: depth.k },
      );
      expect(Array.from(depths)).toEqual(depth.prediction_depth);
      expect(mean).toBeCloseTo(depth.mean_depth, 12);
      tf.dispose([known, asked]);
      expect(tf.memory().numTensors).toBe(numTensors);
    });

    it('leaves a training sample out of its own neighbours', async () => {
      const trainFeatures = tf.tensor2d([[0], [0.1], [1], [1.1]]);
      const labels = [0, 1, 0, 1];
      const data = { trainFeatures, trainLabels: labels, testFeatures: trainFeatures, testLabels: labels };
      expect((await knnProbe(data, { k: 1 })).accuracy).toBe(1);
      expect((await knnProbe(data, { k: 1, excludeSelf: true })).accuracy).toBe(0);
    });

    it('breaks ties for the smallest class', async () => {
      const [trainFeatures, testFeatures] = [tf.tensor2d([[1], [-1]]), tf.tensor2d([[0.5]])];
      const data = { trainFeatures, trainLabels: [2, 1], testFeatures, testLabels: [1] };
      expect(Array.from((await knnProbe(data, { k: 2 })).predictions)).toEqual([1]);
    });

    it('asks in pieces what it would say at once', async () => {
      const known = clouds(1, 60, 2);
      const many = clouds(2, 600, 2);
      const ask = (features: tf.Tensor2D, testLabels: number[]) =>
        knnProbe({ trainFeatures: known.features, trainLabels: known.labels, testFeatures: features, testLabels });
      const whole = await ask(many.features, many.labels);
      const last = await ask(tf.slice(many.features, [590, 0], [10, 3]), many.labels.slice(590));
      expect(whole.predictions.slice(590)).toEqual(last.predictions);
      expect(whole.accuracy).toBeGreaterThan(0.6);
    });
  });

  describe('linearProbe', () => {
    it('tells apart what a plane can, whatever the scale of the features, and leaves no tensor', async () => {
      const [known, asked] = [clouds(3, 90, 1), clouds(4, 60, 1)];
      const stretch = tf.tensor1d([1e-3, 1, 1e3]);
      const data = {
        trainFeatures: tf.mul(known.features, stretch) as tf.Tensor2D,
        trainLabels: known.labels,
        testFeatures: tf.mul(asked.features, stretch) as tf.Tensor2D,
        testLabels: asked.labels,
      };
      const { numTensors } = tf.memory();
      const result = await linearProbe(data, { steps: 60 });
      expect(tf.memory().numTensors).toBe(numTensors);
      expect(result.accuracy).toBeGreaterThan(0.95);
      expect(await linearProbe(data, { steps: 60 })).toEqual(result);
      const noise = normal(5, 'noise', [90, 3]) as tf.Tensor2D;
      const blind = await linearProbe(
        { ...data, trainFeatures: noise, testFeatures: noise.slice(0, 60) },
        { steps: 60 },
      );
      expect(blind.accuracy).toBeLessThan(0.65);
    });
  });

  describe('fewShotEpisodes', () => {
    it('is right on clouds apart and at chance on noise, and repeats by seed', async () => {
      const { features, labels } = clouds(6, 90, 0.1);
      const options = { ways: 3, shots: 2, queries: 5, episodes: 20, seed: 1 };
      expect((await fewShotEpisodes(features, labels, options)).mean).toBe(1);
      const noise = normal(7, 'noise', [90, 3]) as tf.Tensor2D;
      const blind = await fewShotEpisodes(noise, labels, options);
      expect(Math.abs(blind.mean - 1 / 3)).toBeLessThan(0.15);
      expect(blind.interval).toBeGreaterThan(0);
      expect(await fewShotEpisodes(noise, labels, options)).toEqual(blind);
      expect(await fewShotEpisodes(noise, labels, { ...options, seed: 2 })).not.toEqual(blind);
    });
  });

  describe('layerFeatures', () => {
    it('gives what the layers give at prediction, flattened', () => {
      const model = smallModel();
      const x = normal(8, 'x', [4, 3]);
      const { numTensors } = tf.memory();
      const [body, head] = layerFeatures(model, ['body', 'head'], x, 3) as [tf.Tensor2D, tf.Tensor2D];
      expect(tf.memory().numTensors).toBe(numTensors + 2);
      expect(body.shape).toEqual([4, 4]);
      expect(Array.from(head.dataSync())).toEqual(Array.from((model.predict(x) as tf.Tensor).dataSync()));
      const conv = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [2, 2, 1] })] });
      conv.add(tf.layers.reshape({ name: 'map', targetShape: [2, 2, 1] }));
      expect(layerFeatures(conv, ['map'], tf.ones([3, 2, 2, 1]))[0]?.shape).toEqual([3, 4]);
      expect(() => layerFeatures(model, ['boddy'], x)).toThrow(
        'layerFeatures: names must be names of layers of the model (nearest: "body"',
      );
    });
  });

  describe('the published groups', () => {
    /** The probed net: 8-7-6-10. */
    const lenet = (): tf.LayersModel =>
      tf.sequential({
        layers: [
          tf.layers.dense({ name: 'fc1', units: 7, activation: 'relu', inputShape: [8] }),
          tf.layers.dense({ name: 'fc2', units: 6, activation: 'relu' }),
          tf.layers.dense({ name: 'fc3', units: 10 }),
        ],
      });

    it.each(Object.entries(targeted.variants))('%s: accuracies, margins', async (name, variant) => {
      const model = lenet();
      assign(model, ourWeights(variant.init as RecordedGroup));
      const optimizer = tf.train.sgd(0.1);
      const points = matrix(targeted.x);
      for (let step = 1; step <= 6; step++) {
        // Two batches by turns. The figures are of the forward pass before the step, and of a clone that forgot after it.
        const start = 128 * ((step - 1) % 2);
        const x = tf.slice(points, [start, 0], [128, 8]);
        const labels = variant.labels.slice(start, start + 128);
        const y = tf.oneHot(tf.tensor1d(labels, 'int32'), 10);
        const logits = model.predict(x) as tf.Tensor2D;
        optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, model.apply(x) as tf.Tensor) as tf.Scalar);
        const snapshot = variant.snapshots.find(({ iter }) => iter === step);
        if (!snapshot) continue;
        const weights = new Map(modelWeights(model).map(({ key, variable }) => [key, Array.from(variable.dataSync())]));
        expectWeights(weights, ourWeights(snapshot.model as RecordedGroup), 1e-6, `step ${step}`);
        const clone = lenet();
        assign(clone, ourWeights(snapshot.clone_after_forget as RecordedGroup));
        const percent: number[] = [];
        for (const output of [logits, clone.predict(x) as tf.Tensor2D]) {
          const predictions = await tf.argMax(output, 1).data();
          const byGroup = groupAccuracy(predictions, labels, snapshot.groups);
          const whole = groupAccuracy(predictions, labels, new Uint8Array(128));
          for (const group of [byGroup[0], byGroup[1], whole[0]]) percent.push(100 * (group?.accuracy ?? Number.NaN));
        }
        const expected = [...snapshot.official_log.matchAll(/tensor\((\d+\.?\d*)\)/g)].map(([, value]) =>
          Number(value),
        );
        expect(expected).toHaveLength(6);
        expected.forEach((value, i) => {
          expect(percent[i]).toBeCloseTo(value, 1);
        });
        if (!name.includes('margin')) continue;
        expect(Array.from(difficultGroup(await margins(logits)))).toEqual(snapshot.groups);
      }
    });
  });
});

describe('topographicSimilarity', () => {
  it.each(Object.entries(lewis.languages))('%s, as the published code and over distinct pairs', (_name, language) => {
    const [messages, objects] = [rows(language.messages), rows(lewis.objects)];
    for (const [pairs, expected] of [
      ['all', language.all],
      ['distinct', language.distinct],
    ] as const) {
      const received = topographicSimilarity(messages, objects, { pairs });
      if (expected === null) expect(received).toBeNaN();
      else expect(Math.abs(received - expected)).toBeLessThanOrEqual(1e-9);
    }
  });
});

describe('groups', () => {
  it('of random members add up to the whole', () => {
    const stream = randomStream(1, 'groups');
    const draw = (n: number): number[] => Array.from({ length: 50 }, () => stream.integer(n));
    const [predictions, labels, groups] = [draw(3), draw(3), draw(4)];
    const parts = Object.values(groupAccuracy(predictions, labels, groups));
    const right = predictions.filter((one, i) => one === labels[i]).length;
    expect(parts.reduce((sum, { count }) => sum + count, 0)).toBe(50);
    expect(parts.reduce((sum, { count, accuracy }) => sum + count * accuracy, 0)).toBeCloseTo(right, 10);
  });
});

describe('bad input', () => {
  it('is named', async () => {
    const features = tf.zeros([4, 2]) as tf.Tensor2D;
    const data = {
      trainFeatures: features,
      trainLabels: [0, 1, 0, 1],
      testFeatures: features,
      testLabels: [0, 1, 0, 1],
    };
    await expect(knnProbe(data, { k: 5 })).rejects.toThrow('knnProbe: k must be an integer in [1, 4], received 5.');
    await expect(knnProbe({ ...data, trainLabels: [0] })).rejects.toThrow('trainLabels must be 4 classes, received 1.');
    await expect(linearProbe({ ...data, testFeatures: tf.zeros([4, 3]) })).rejects.toThrow(
      'linearProbe: testFeatures must be of shape [M, 2], received [4, 3].',
    );
    const depths = { trainFeatures: [features], trainLabels: data.trainLabels, features: [], predictions: [0] };
    await expect(predictionDepth(depths)).rejects.toThrow('features must be of as many probes as trainFeatures (1)');
    await expect(
      fewShotEpisodes(features, data.trainLabels, { ways: 3, shots: 1, queries: 1, seed: 1 }),
    ).rejects.toThrow('fewShotEpisodes: ways must be at most 2, the classes with 2 samples, received 3.');
    expect(() => groupAccuracy([1], [1, 2], [0, 0])).toThrow(
      'groupAccuracy: predictions must be of length 2, received 1.',
    );
    expect(() => topographicSimilarity([[1]], [])).toThrow('messages must be 0, one for each object, received 1.');
  });
});
