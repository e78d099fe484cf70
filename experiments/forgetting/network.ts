/** A residual network with batch norm: stem and three stages of one block, 16, 32 and 64 channels wide. */
import * as tf from '@tensorflow/tfjs';
import { randomStream } from 'tfjs-llf';
import { MNIST_SIDE } from '../../examples/data/mnist.js';

export const CLASSES = 10;
const WIDTHS = [16, 32, 64] as const;

/** Layers at whose outputs the prediction depth is probed, from input to output. */
export const PROBES: readonly string[] = ['stem', 'stage1', 'stage2', 'stage3', 'head'];
/** Output `[B, 64]`: what transfers to another task. */
export const FEATURES = 'pool';

/** Images `[B, 28, 28, 1]` to logits `[B, 10]`. Kernels are drawn by Kaiming's law, normal and by fan-in, from the seed. */
export function residualNetwork(seed: number): tf.LayersModel {
  const stream = randomStream(seed, 'initial kernels');
  const kernel = (fanIn: number) =>
    tf.initializers.randomNormal({ stddev: Math.sqrt(2 / fanIn), seed: stream.integer(2 ** 31 - 1) });

  const convolve = (x: tf.SymbolicTensor, name: string, filters: number, size: number, strides: number) => {
    const kernelInitializer = kernel(size * size * (x.shape[3] as number));
    const options = { filters, kernelSize: size, strides, padding: 'same', useBias: false, kernelInitializer } as const;
    const maps = tf.layers.conv2d({ name: `${name}_conv`, ...options }).apply(x);
    return tf.layers.batchNormalization({ name: `${name}_norm`, momentum: 0.9, epsilon: 1e-5 }).apply(maps);
  };
  const relu = (x: unknown, name: string): tf.SymbolicTensor =>
    tf.layers.activation({ name, activation: 'relu' }).apply(x as tf.SymbolicTensor) as tf.SymbolicTensor;
  const block = (x: tf.SymbolicTensor, name: string, filters: number, strides: number): tf.SymbolicTensor => {
    const first = relu(convolve(x, `${name}_first`, filters, 3, strides), `${name}_relu`);
    const second = convolve(first, `${name}_second`, filters, 3, 1) as tf.SymbolicTensor;
    const shortcut = strides === 1 ? x : (convolve(x, `${name}_shortcut`, filters, 1, strides) as tf.SymbolicTensor);
    return relu(tf.layers.add({ name: `${name}_add` }).apply([second, shortcut]), name);
  };

  const images = tf.input({ shape: [MNIST_SIDE, MNIST_SIDE, 1] });
  let x = relu(convolve(images, 'stem', WIDTHS[0], 3, 2), 'stem');
  WIDTHS.forEach((width, i) => {
    x = block(x, `stage${i + 1}`, width, i === 0 ? 1 : 2);
  });
  const pooled = tf.layers.globalAveragePooling2d({ name: FEATURES }).apply(x);
  const head = tf.layers.dense({ name: 'head', units: CLASSES, kernelInitializer: kernel(WIDTHS[2]) });
  return tf.model({ inputs: images, outputs: head.apply(pooled) as tf.SymbolicTensor });
}
