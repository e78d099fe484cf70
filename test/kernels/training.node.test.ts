import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

const { layers } = tf;
const head = () => [layers.flatten(), layers.dense({ units: 2 })];

/** What could not be trained on WASM, each in a small model. */
const models: Record<string, () => tf.layers.Layer[]> = {
  conv1d: () => [layers.conv1d({ inputShape: [9, 3], filters: 4, kernelSize: 3, strides: 2, activation: 'relu' })],
  conv2d: () => [
    layers.conv2d({ inputShape: [8, 8, 3], filters: 5, kernelSize: 3, padding: 'same', activation: 'relu' }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'elu' }),
  ],
  conv2dTranspose: () => [
    layers.conv2dTranspose({ inputShape: [4, 4, 3], filters: 2, kernelSize: 3, strides: 2, padding: 'same' }),
  ],
  separableConv2d: () => [
    layers.separableConv2d({
      inputShape: [7, 7, 3],
      filters: 4,
      kernelSize: 3,
      depthMultiplier: 2,
      activation: 'tanh',
    }),
  ],
  depthwiseConv2d: () => [
    layers.depthwiseConv2d({ inputShape: [7, 7, 3], kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
  ],
  batchNormalization: () => [
    layers.conv2d({ inputShape: [6, 6, 2], filters: 4, kernelSize: 3, useBias: false }),
    layers.batchNormalization(),
    layers.activation({ activation: 'relu' }),
    layers.averagePooling2d({ poolSize: 2 }),
  ],
  embedding: () => [layers.embedding({ inputDim: 6, outputDim: 4, inputLength: 5 })],
  simpleRNN: () => [layers.simpleRNN({ inputShape: [5, 3], units: 4, returnSequences: true })],
  gru: () => [layers.gru({ inputShape: [5, 3], units: 4, returnSequences: true })],
  lstm: () => [layers.lstm({ inputShape: [5, 3], units: 4, returnSequences: true })],
  bidirectional: () => [
    layers.bidirectional({
      layer: layers.lstm({ units: 3, returnSequences: true }) as tf.RNN,
      mergeMode: 'concat',
      inputShape: [5, 3],
    }),
  ],
};

/** Losses of a few steps of Adam, on the current backend, from weights that the seed fixes. */
async function losses(make: () => tf.layers.Layer[]): Promise<number[]> {
  const before = tf.memory().numTensors;
  const optimizer = tf.train.adam(0.03);
  const model = tf.sequential({ layers: [...make(), ...head()] });
  model.compile({ optimizer, loss: 'meanSquaredError' });
  tf.tidy(() => {
    const spread = (shape: number[], i: number) => tf.add(tf.mul(tensorOf(shape, i), 0.5), 0.05);
    // Variances among them must not be negative.
    const weights = model.getWeights().map(({ shape }, i) => (i === 4 ? tf.abs(spread(shape, i)) : spread(shape, i)));
    model.setWeights(weights);
  });
  const shape = [6, ...(model.inputs[0]?.shape ?? []).slice(1)] as number[];
  const x = tf.tidy(() => {
    const values = tensorOf(shape, 77);
    return model.layers[0]?.getClassName() === 'Embedding' ? tf.floor(tf.mul(tf.add(values, 1), 3)) : values;
  });
  const y = tensorOf([6, 2], 78);
  const result: number[] = [];
  for (let step = 0; step < 4; step++) result.push(Number(await model.trainOnBatch(x, y)));
  tf.dispose([x, y]);
  model.dispose();
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before);
  return result;
}

describe('training on WASM', () => {
  it.each(Object.keys(models))('%s has the losses of cpu', async (name) => {
    const make = models[name] as () => tf.layers.Layer[];
    await tf.setBackend('cpu');
    const expected = await losses(make);
    await tf.setBackend('wasm');
    const received = await losses(make);
    expect(expected[3]).toBeLessThan(expected[0] as number);
    received.forEach((loss, step) => {
      const other = expected[step] as number;
      expect(Math.abs(loss - other) / other).toBeLessThan(1e-4);
    });
  });

  it('gather has the losses of cpu', async () => {
    const run = (): number[] => {
      const table = tf.variable(tensorOf([5, 3], 1));
      const optimizer = tf.train.sgd(0.1);
      const steps = [1, 2, 3].map(() =>
        tf.tidy(() => {
          const target = tensorOf([4, 3], 2);
          const rows = tf.tensor1d([4, 0, 4, 2], 'int32');
          const loss = () => tf.mean(tf.square(tf.sub(tf.gather(table, rows), target))) as tf.Scalar;
          return optimizer.minimize(loss, true, [table])?.dataSync()[0] as number;
        }),
      );
      table.dispose();
      optimizer.dispose();
      return steps;
    };
    await tf.setBackend('cpu');
    const expected = run();
    await tf.setBackend('wasm');
    const received = run();
    expect(expected[2]).toBeLessThan(expected[0] as number);
    received.forEach((loss, step) => {
      expect(loss).toBeCloseTo(expected[step] as number, 5);
    });
  });
});
