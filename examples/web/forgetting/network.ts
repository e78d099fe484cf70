/** A small convolutional net with batch norm. */
import * as tf from '@tensorflow/tfjs';
import { randomStream } from 'tfjs-llf';
import { SIDE } from '../data/digits.js';

const WIDTHS = [8, 16, 32] as const;
/** Layers whose outputs are asked whether the net has made up its mind, from input to output. */
export const PROBES: readonly string[] = ['stage1', 'stage2', 'stage3', 'head'];
/** The first layer that later-layer forgetting draws anew; with SEAL all layers before it climb. */
export const SECOND = 'stage2_conv';

/** Images `[B, 28, 28, 1]` to logits `[B, 10]`; the seed decides the first weights. */
export function smallNetwork(seed: number): tf.LayersModel {
  const stream = randomStream(seed, 'initial kernels');
  const kernel = (fanIn: number) =>
    tf.initializers.randomNormal({ stddev: Math.sqrt(2 / fanIn), seed: stream.integer(2 ** 31 - 1) });
  const images = tf.input({ shape: [SIDE, SIDE, 1] });
  let x = images;
  WIDTHS.forEach((filters, i) => {
    const name = `stage${i + 1}`;
    const maps = tf.layers
      .conv2d({
        name: `${name}_conv`,
        filters,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        useBias: false,
        kernelInitializer: kernel(9 * (x.shape[3] as number)),
      })
      .apply(x);
    const normed = tf.layers.batchNormalization({ name: `${name}_norm`, momentum: 0.9, epsilon: 1e-5 }).apply(maps);
    x = tf.layers.activation({ name, activation: 'relu' }).apply(normed) as tf.SymbolicTensor;
  });
  const pooled = tf.layers.globalAveragePooling2d({ name: 'pool' }).apply(x);
  const head = tf.layers.dense({ name: 'head', units: 10, kernelInitializer: kernel(WIDTHS[2]) });
  return tf.model({ inputs: images, outputs: head.apply(pooled) as tf.SymbolicTensor });
}
