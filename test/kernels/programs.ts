import * as tf from '@tensorflow/tfjs';
import { rotaryTable, rotateQueriesAndKeys, tableTensor } from '../../src/cropr-dense/rotary.js';
import { fastFilter } from '../../src/local-laplacian/fast_filter.js';
import { gaussRemap } from '../../src/local-laplacian/remap.js';
import { selfAttention } from '../../src/ops/attention.js';
import { gatherTokens } from '../../src/ops/gather_tokens.js';
import { gelu } from '../../src/ops/gelu.js';
import { layerNorm } from '../../src/ops/layer_norm.js';
import { columnSums } from '../../src/ops/linear.js';
import { tensorOf } from './numbers.js';

type Four = tf.Tensor4D;

/** The values and all gradients of a function, for a gradient of the value that is not flat. */
function withGradients(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  const dy = tensorOf(f(...inputs).shape, 99);
  const { value, grads } = tf.valueAndGrads(f)(inputs, dy);
  return [value, ...grads];
}

function run(name: string, inputs: Record<string, tf.Tensor>, attrs: tf.NamedAttrMap): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attrs) as tf.Tensor;
}

/** Programs that run every kernel but the optimizers', on tensors of about `24 * size` numbers. Tests want one for each. */
export function programs(size: number): Record<string, () => tf.Tensor[]> {
  const image = (channels: number, seed: number) => tensorOf([1, size, 4, channels], seed) as Four;
  return {
    attention: () => withGradients((x) => selfAttention(x as tf.Tensor, 2), [tensorOf([1, size, 24], 1)]),
    'layer norm': () =>
      withGradients(
        (x, gamma, beta) => layerNorm(x as tf.Tensor, gamma as tf.Tensor, beta as tf.Tensor, 1e-6),
        [tensorOf([size, 24], 1), tensorOf([24], 2), tensorOf([24], 3)],
      ),
    activations: () =>
      withGradients(
        (x) => tf.add(gelu(x as tf.Tensor), tf.add(tf.exp(x as tf.Tensor), tf.tanh(tf.erf(x as tf.Tensor)))),
        [tensorOf([size, 24], 1)],
      ),
    clip: () => [tf.clipByValue(tensorOf([size, 24], 1), -0.5, 0.5)],
    softmax: () => withGradients((x) => tf.softmax(x as tf.Tensor), [tensorOf([size, 24], 1)]),
    conv2d: () =>
      withGradients((x, w) => tf.conv2d(x as Four, w as Four, 1, 'same'), [image(8, 1), tensorOf([3, 3, 8, 20], 2)]),
    'conv2d, channels first': () => {
      const attrs = { strides: [1, 1], pad: 'same', dataFormat: 'NCHW', dilations: [1, 1] };
      const [x, dy, filter] = [tensorOf([1, 8, size, 4], 1), tensorOf([1, 9, size, 4], 2), tensorOf([3, 3, 8, 9], 3)];
      return [
        run('Conv2D', { x, filter }, attrs),
        run('Conv2DBackpropFilter', { x, dy }, { ...attrs, filterShape: filter.shape }),
        run('Conv2DBackpropInput', { dy, filter }, { ...attrs, inputShape: x.shape }),
      ];
    },
    'fused conv2d': () => [
      tf.fused.conv2d({
        x: image(8, 1),
        filter: tensorOf([3, 3, 8, 20], 2) as Four,
        strides: 1,
        pad: 'same',
        bias: tensorOf([20], 3),
        activation: 'relu',
      }),
    ],
    'depthwise conv2d': () =>
      withGradients(
        (x, w) => tf.depthwiseConv2d(x as Four, w as Four, 1, 'same'),
        [image(8, 1), tensorOf([3, 3, 8, 2], 2)],
      ),
    'local Laplacian filter': () => {
      const setting = { pyramid: 'opencv', levels: 3, samples: 3, range: [0, 1], from: 0, to: 2 } as const;
      const image = tf.abs(tensorOf([1, size, 9, 1], 1));
      const parameters = [1.2, 0.3, 0.8, 0.9].map((value) => tf.tensor1d([value]));
      return withGradients(
        (x, gain, ...all) => fastFilter(x as tf.Tensor, gain as tf.Tensor, gaussRemap, all, setting),
        [image, ...parameters],
      );
    },
    'batch norm': () => [
      tf.batchNorm(image(8, 1), tensorOf([8], 2) as tf.Tensor1D, tf.abs(tensorOf([8], 3)) as tf.Tensor1D),
    ],
    einsum: () =>
      withGradients(
        (a, b) => tf.einsum('bij,jk->ikb', a as tf.Tensor, b as tf.Tensor),
        [tensorOf([2, size, 12], 1), tensorOf([12, 8], 2)],
      ),
    matMul: () =>
      withGradients(
        (a, b) => tf.matMul(a as tf.Tensor, b as tf.Tensor, false, true),
        [tensorOf([2, size, 16], 1), tensorOf([2, 9, 16], 2)],
      ),
    'fused matMul': () => [
      tf.fused.matMul({ a: tensorOf([size, 24], 1), b: tensorOf([24, 30], 2), bias: tensorOf([size, 30], 3) }),
    ],
    gather: () =>
      withGradients((x) => tf.gather(x as tf.Tensor, tf.tensor1d([3, 0, 3, 1], 'int32')), [tensorOf([size, 24], 1)]),
    'take tokens': () =>
      withGradients(
        (x) => gatherTokens(x as tf.Tensor, tf.tensor2d([[3, 0, 2]], [1, 3], 'int32')),
        [tensorOf([1, size, 24], 1)],
      ),
    rotation: () => {
      const table = tableTensor(rotaryTable([size, 1], 8), 8);
      return withGradients((x) => rotateQueriesAndKeys(x as tf.Tensor, { table }), [tensorOf([1, size, 24], 1)]);
    },
    reductions: () => {
      const x = tensorOf([size, 24], 1);
      return [tf.sum(x, 1), tf.mean(x, 0), columnSums(x)];
    },
    slices: () => {
      const x = tensorOf([size, 24], 1);
      const parts = [...tf.split(x, [5, 19], 1), ...tf.unstack(tf.slice(x, [0, 3], [size, 3]), 1)];
      return [...parts, tf.concat([x, x], 1), tf.tile(x, [1, 2]), tf.clone(x)];
    },
    transposes: () => {
      const x = tensorOf([size, 2, 3, 2, 2], 1);
      return [tf.transpose(x, [4, 1, 0, 2, 3]), tf.transpose(x, [1, 2, 3, 4, 0])];
    },
    'top k': () => {
      const { values, indices } = tf.topk(tensorOf([4, 8 * size], 1), 5);
      return [values, indices];
    },
  };
}

/** The steps of the optimizers, as kernels that only WASM has. */
export function steps(size: number): Record<string, () => tf.Tensor[]> {
  const step = (kernel: string, slots: readonly string[], attrs: tf.NamedAttrMap = {}) => {
    const names = ['value', 'gradient', ...slots];
    const inputs = Object.fromEntries(names.map((name, i) => [name, tf.abs(tensorOf([size, 24], i))]));
    const numbers = Object.fromEntries(
      ['factor', 'momentum', 'power1', 'power2'].map((name, i) => [name, tf.scalar(0.9 - i / 10)]),
    );
    return [tf.engine().runKernel(kernel, { ...inputs, ...numbers }, attrs)].flat() as tf.Tensor[];
  };
  return {
    sgd: () => step('LLFSgdStep', []),
    momentum: () => step('LLFMomentumStep', ['slot'], { nesterov: true }),
    adam: () => step('LLFAdamStep', ['first', 'second'], { rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-7 }),
  };
}
