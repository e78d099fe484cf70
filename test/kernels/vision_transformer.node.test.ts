import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { visionTransformer } from '../../src/cropr/index.js';
import { crossEntropy } from '../../src/forgetting/cross_entropy.js';
import { accelerateWasm } from '../../src/wasm/index.js';
import { tensorOf } from './both_backends.js';

it('all gradients of ViT-Ti/16 at 224 are those of the stock kernels', async () => {
  await tf.setBackend('wasm');
  const config = { imageSize: 224, channels: 3, patchSize: 16, dim: 192, depth: 12, heads: 3, classes: 1000, seed: 1 };
  const model = visionTransformer(config);
  const [image, label] = [tensorOf([1, 224, 224, 3], 1), tf.oneHot([3], 1000)];
  const loss = () => tf.mean(crossEntropy()(label, model.apply(image, { training: true }) as tf.Tensor)) as tf.Scalar;
  const gradients = (): Map<string, Float32Array> => {
    const { value, grads } = tf.variableGrads(loss);
    const values = Object.entries(grads).map(([name, x]) => [name, x.dataSync<'float32'>()] as const);
    tf.dispose([value, grads]);
    return new Map(values);
  };
  const stock = gradients();
  const handle = await accelerateWasm();
  const ours = gradients();
  handle.dispose();
  expect(stock.size).toBe(152);
  expect([...ours.keys()]).toEqual([...stock.keys()]);
  const errors = [...stock].map(([name, expected]) => {
    const received = ours.get(name);
    let [error, largest] = [0, 0];
    expected.forEach((value, i) => {
      const difference = Math.abs(value - (received?.[i] ?? Number.NaN));
      error = difference <= error ? error : difference;
      largest = Math.max(largest, Math.abs(value));
    });
    return { name, error: error / largest };
  });
  // About 5e-6 at the worst; 2.4e-6 from the cpu backend, which takes 15 seconds.
  expect(errors.filter(({ error }) => !(error < 1e-5))).toEqual([]);
  tf.dispose([image, label]);
  model.dispose();
});
