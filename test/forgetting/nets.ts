import * as tf from '@tensorflow/tfjs';
import type { Recorded, RecordedGroup } from '../cropr/golden.js';
import type { Recipe } from './golden.js';

/** The net of the recorded runs: two hidden layers, with batch norm or without. */
export function sealNet(names: readonly string[]): tf.LayersModel {
  const model = tf.sequential();
  const units = { layer1: 6, layer2: 5 };
  model.add(tf.layers.inputLayer({ inputShape: [4] }));
  for (const [layer, width] of Object.entries(units)) {
    model.add(tf.layers.dense({ name: `${layer}.linear`, units: width }));
    if (names.includes(`${layer}.bn.weight`)) {
      model.add(tf.layers.batchNormalization({ name: `${layer}.bn`, momentum: 0.9, epsilon: 1e-5 }));
    }
    model.add(tf.layers.activation({ activation: 'tanh' }));
  }
  model.add(tf.layers.dense({ name: 'fc', units: 3 }));
  return model;
}

/** A run of the recorded SEAL trainer. */
export interface SealVariant {
  config: {
    epochs: number;
    num_generations: number;
    ascending_epochs: number;
    ascenders_lr_multiplier: number;
    ascenders_wd_multiplier: number;
    reverse: number;
    freeze_descenders: number;
    lr: number;
    weight_decay: number;
    warmup_length: number;
    label_smoothing: number;
  };
  batches: number;
  x: Recorded;
  y: number[];
  init: RecordedGroup;
  epochs: { weights: RecordedGroup; momentum: RecordedGroup; buffers?: RecordedGroup }[];
  /** By generation. */
  draws?: Record<string, RecordedGroup>;
}

/** What it was made with. */
export function sealRecipe({ config }: Pick<SealVariant, 'config'>): Recipe {
  return {
    epochs: config.epochs,
    generations: config.num_generations,
    rate: config.lr,
    weightDecay: config.weight_decay,
    warmup: config.warmup_length,
    labelSmoothing: config.label_smoothing,
  };
}

const conv = (name: string, filters: number, kernelSize: number, strides = 1): tf.layers.Layer =>
  tf.layers.conv2d({ name, filters, kernelSize, strides, padding: 'same', useBias: false });

/** A ResNet with the topology and the names of torchvision's, one to four filters wide; head `fc` of two classes. */
export function resnet(kind: 'ResNet18' | 'ResNet50'): tf.LayersModel {
  const [counts, kernels] =
    kind === 'ResNet18'
      ? [
          [2, 2, 2, 2],
          [3, 3],
        ]
      : [
          [3, 4, 6, 3],
          [1, 3, 1],
        ];
  const bn = (name: string): tf.layers.Layer => tf.layers.batchNormalization({ name });
  const input = tf.input({ shape: [16, 16, 1] });
  let x = bn('bn1').apply(conv('conv1', 1, 3).apply(input)) as tf.SymbolicTensor;
  counts.forEach((count, stage) => {
    for (let block = 0; block < count; block++) {
      const prefix = `layer${stage + 1}.${block}`;
      const strides = stage > 0 && block === 0 ? 2 : 1;
      let inner = x;
      kernels.forEach((size, i) => {
        const stride = size === 3 && (i === 0 || kind === 'ResNet50') ? strides : 1;
        inner = conv(`${prefix}.conv${i + 1}`, stage + 1, size, stride).apply(inner) as tf.SymbolicTensor;
        inner = bn(`${prefix}.bn${i + 1}`).apply(inner) as tf.SymbolicTensor;
        if (i + 1 < kernels.length) inner = tf.layers.reLU().apply(inner) as tf.SymbolicTensor;
      });
      if (block === 0 && (stage > 0 || kind === 'ResNet50')) {
        x = conv(`${prefix}.downsample.0`, stage + 1, 1, strides).apply(x) as tf.SymbolicTensor;
        x = bn(`${prefix}.downsample.1`).apply(x) as tf.SymbolicTensor;
      }
      x = tf.layers.reLU().apply(tf.layers.add().apply([inner, x])) as tf.SymbolicTensor;
    }
  });
  const pooled = tf.layers.globalAveragePooling2d({}).apply(x);
  const output = tf.layers.dense({ name: 'fc', units: 2 }).apply(pooled) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: output });
}

/** The perceptron of the recorded forget-and-relearn runs. */
export function relearnMlp(): tf.LayersModel {
  return tf.sequential({
    layers: [
      tf.layers.dense({ name: 'layer1', units: 7, activation: 'relu', inputShape: [5] }),
      tf.layers.dense({ name: 'layer2', units: 6, activation: 'relu' }),
      tf.layers.dense({ name: 'fc', units: 6 }),
    ],
  });
}

/** The convolutional net of the recorded forget-and-relearn runs, for images of this shape. */
export function relearnCnn(inputShape: number[]): tf.LayersModel {
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape }));
  for (const [name, norm, filters] of [
    ['conv1', 'bn1', 4],
    ['layer1.conv', 'layer1.bn', 4],
    ['layer2.conv', 'layer2.bn', 5],
  ] as const) {
    model.add(conv(name, filters, 3));
    model.add(tf.layers.batchNormalization({ name: norm, momentum: 0.9, epsilon: 1e-5 }));
    model.add(tf.layers.reLU());
  }
  model.add(tf.layers.globalAveragePooling2d({}));
  model.add(tf.layers.dense({ name: 'fc', units: 6 }));
  return model;
}

/** A run of the recorded forget-and-relearn trainer. */
export interface RelearnVariant {
  config: {
    epochs: number;
    lr: number;
    weight_decay: number;
    warmup_length: number;
    lr_policy: string;
    label_smoothing: number;
    num_generations: number;
    split_mode: string;
    split_rate: number;
    evolve_mode: string;
    reset_layer_name: string | null;
    reverse_reset: boolean;
    freeze_non_reset: boolean;
    reverse_freeze: boolean;
    reset_bn: boolean;
    reset_hypothesis: boolean;
  };
  init: RecordedGroup;
  generations: {
    masks: RecordedGroup;
    draws: RecordedGroup;
    start: RecordedGroup;
    epochs: RecordedGroup[];
    rates: number[];
  }[];
}
