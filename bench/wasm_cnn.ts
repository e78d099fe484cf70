/** A training step of a small CNN on our kernels and on the cpu backend; stock WASM cannot train a convolution. */
import * as tf from '@tensorflow/tfjs';
import { crossEntropy } from 'tfjs-llf';
import { accelerated, figure, printReport, type Trainer, trainingRace } from './wasm_kernels.js';

const BATCH = 16;
const SIDE = 64;
const CLASSES = 10;
const LABELS = Array.from({ length: BATCH }, (_, i) => i % CLASSES);
/** Channels of the stages; each but the first halves the image. */
const STAGES = [8, 16, 32, 64];
/** The cpu backend takes more than 10 seconds a step. */
const ROUNDS = 3;
const OURS = 'WASM, accelerated';
const CPU = 'cpu backend';

/** Four stages of conv 3x3 → batch norm → ReLU, then mean and dense; the same weights in each call. */
function cnn(): tf.LayersModel {
  const initial = (seed: number): { kernelInitializer: ReturnType<typeof tf.initializers.heNormal> } => ({
    kernelInitializer: tf.initializers.heNormal({ seed }),
  });
  const model = tf.sequential();
  STAGES.forEach((filters, stage) => {
    const inputShape = stage === 0 ? { inputShape: [SIDE, SIDE, 3] } : {};
    const strides = stage === 0 ? 1 : 2;
    const shape = { filters, kernelSize: 3, strides, padding: 'same', useBias: false } as const;
    model.add(tf.layers.conv2d({ ...shape, ...inputShape, ...initial(stage + 1) }));
    model.add(tf.layers.batchNormalization());
    model.add(tf.layers.reLU());
  });
  model.add(tf.layers.globalAveragePooling2d({}));
  model.add(tf.layers.dense({ units: CLASSES, ...initial(STAGES.length + 1) }));
  model.compile({ optimizer: tf.train.sgd(0.1), loss: crossEntropy() });
  return model;
}

/** A model of its own on a backend of its own. */
function trainer(name: string, prepare: () => Promise<unknown>): Trainer {
  let made: { model: tf.LayersModel; images: tf.Tensor; labels: tf.Tensor } | undefined;
  const make = (): NonNullable<typeof made> => ({
    model: cnn(),
    images: tf.randomUniform([BATCH, SIDE, SIDE, 3], -1, 1, 'float32', 1),
    labels: tf.tidy(() => tf.cast(tf.oneHot(LABELS, CLASSES), 'float32')),
  });
  const step = async (): Promise<number> => {
    made ??= make();
    return (await made.model.trainOnBatch(made.images, made.labels)) as number;
  };
  return { name, prepare, step };
}

/** Times the step; returns our throughput over that of the cpu backend, null where WASM cannot train. */
export async function cnnTraining(): Promise<number | null> {
  console.log(`\n## Training step of a small CNN, ${SIDE}x${SIDE}, batch ${BATCH}\n`);
  const trainers = [trainer(OURS, accelerated), trainer(CPU, async () => tf.setBackend('cpu'))];
  const timings = await trainingRace(trainers, BATCH, { rounds: ROUNDS });
  await accelerated();
  printReport(timings, [[OURS, CPU]]);
  return figure(timings, OURS, CPU);
}
