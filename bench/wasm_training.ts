/** A training step of ViT-Ti/16, batch 8 (forward, backward, SGD): ours, plain tfjs, jax-js. */
import * as tf from '@tensorflow/tfjs';
import { crossEntropy, visionTransformer } from 'tfjs-llf';
import { randomImages, VIT_TI, weightsOf } from './rivals/vit.js';
import type { JaxTrainer } from './rivals/vit_jax.js';
import { plainStep, plainVariables } from './rivals/vit_tfjs.js';
import { accelerated, figure, printReport, stock, type Trainer, trainingRace } from './wasm_kernels.js';

const BATCH = 8;
const LEARNING_RATE = 0.1;
/** Stock tfjs takes 20 seconds a step. */
const ROUNDS = 3;
const OURS = 'tfjs-llf';
const PLAIN = 'plain tfjs, accelerated';
const STOCK = 'plain tfjs, stock';
const JAX = 'jax-js';
const PAIRS = [
  [OURS, STOCK],
  [OURS, JAX],
  [PLAIN, STOCK],
] as const;

/** Throughputs of ours over those of rivals; null for one that cannot run. */
export interface TrainingFigures {
  trainOverStock: number | null;
  trainOverJaxJs: number | null;
}

/** Times the step. */
export async function training(): Promise<TrainingFigures> {
  await accelerated();
  const images = randomImages(BATCH);
  const labels = tf.tidy(() => tf.cast(tf.oneHot(tf.range(0, BATCH, 1, 'int32'), VIT_TI.classes), 'float32'));
  const model = visionTransformer(VIT_TI);
  model.compile({ optimizer: tf.train.sgd(LEARNING_RATE), loss: crossEntropy() });
  const weights = await weightsOf(model);
  const [x, y] = [await images.data<'float32'>(), await labels.data<'float32'>()];

  const owned: ReturnType<typeof plainVariables>[] = [];
  const plain = (name: string, prepare: () => Promise<unknown>): Trainer => {
    const variables = plainVariables(weights);
    owned.push(variables);
    const optimizer = tf.train.sgd(LEARNING_RATE);
    return { name, prepare, step: () => plainStep(variables, optimizer, images, labels) };
  };
  let jax: JaxTrainer | undefined;
  const trainers: Trainer[] = [
    { name: OURS, prepare: accelerated, step: async () => (await model.trainOnBatch(images, labels)) as number },
    plain(PLAIN, accelerated),
    plain(STOCK, stock),
    {
      name: JAX,
      step: async () => {
        jax ??= await (await import('./rivals/vit_jax.js')).jaxTrainer(weights, x, y, LEARNING_RATE);
        return jax.step();
      },
    },
  ];
  console.log(`\n## ViT-Ti training step, batch ${BATCH}\n`);
  const timings = await trainingRace(trainers, BATCH, { rounds: ROUNDS });
  printReport(timings, PAIRS);
  model.dispose();
  tf.dispose([images, labels, owned]);
  return { trainOverStock: figure(timings, OURS, STOCK), trainOverJaxJs: figure(timings, OURS, JAX) };
}
