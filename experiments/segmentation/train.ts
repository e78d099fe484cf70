/** One model: its data, its training, its score. */
import * as tf from '@tensorflow/tfjs';
import {
  confusionMatrix,
  cosineWarmup,
  GradientClip,
  intersectionOverUnion,
  LearningRateSchedule,
  meanIoU,
  PruningCurriculum,
  type RandomStream,
  randomStream,
  segmentationLoss,
  segmentationTargets,
  segmentationTransformer,
  stripAuxHeads,
  WeightDecay,
} from 'tfjs-llf';
import { BACKGROUND, DenseSceneComposer, type DenseSceneConfig } from '../../examples/data/dense_scenes.js';
import { loadMnist, MNIST_SIDE, type MnistSplit } from '../../examples/data/mnist.js';
import { shrinkDigits } from '../../examples/data/scenes.js';
import { growDigits } from './grow.js';
import {
  DIGIT_CLASSES,
  DIGIT_SIDE,
  DIGITS,
  GROWTH,
  NETWORK,
  PRUNING,
  type Recipe,
  SCENE,
  type Variant,
} from './settings.js';

/** Brings ink to about mean 0 and deviation 1. */
export const INK = { mean: 0.1, scale: 4 };
const TEST_BATCH = 50;

/** Images `[n, canvas, canvas, 1]` as the network wants them, and label maps `[n, canvas, canvas]`. */
interface Scenes {
  images: tf.Tensor;
  labels: tf.Tensor;
}

/** The model of a variant; its own weights come from the seed. */
export function build(variant: Variant, seed: number): tf.LayersModel {
  return segmentationTransformer({ ...NETWORK, seed, ...(variant !== 'unpruned' && { pruning: PRUNING[variant] }) });
}

/** The model for inference: without aux heads where the map does not need them. */
export function inferenceModel(model: tf.LayersModel, variant: Variant): tf.LayersModel {
  if (variant !== 'dtop') return stripAuxHeads(model);
  return tf.model({ inputs: model.inputs, outputs: model.outputs[0] as tf.SymbolicTensor });
}

/** Gives a model the weights of the backbone, layer by layer; routers and aux heads keep theirs. */
export function adoptBackbone(model: tf.LayersModel, backbone: tf.LayersModel): void {
  for (const layer of backbone.layers) model.getLayer(layer.name).setWeights(layer.getWeights());
}

/** The first digits of the chosen classes. */
async function digitsOf(split: 'train' | 'test'): Promise<MnistSplit> {
  const { pixels, labels } = await loadMnist(split);
  const size = MNIST_SIDE ** 2;
  const chosen = Array.from(labels.keys())
    .filter((i) => (labels[i] as number) < DIGIT_CLASSES)
    .slice(0, DIGITS);
  const picked = new Uint8Array(chosen.length * size);
  for (const [place, i] of chosen.entries()) picked.set(pixels.subarray(i * size, (i + 1) * size), place * size);
  return { pixels: picked, labels: Uint8Array.from(chosen, (i) => labels[i] as number) };
}

async function composerOf(split: 'train' | 'test', scene: DenseSceneConfig = SCENE): Promise<DenseSceneComposer> {
  const { pixels, labels } = await digitsOf(split);
  return new DenseSceneComposer([{ side: DIGIT_SIDE, pixels: shrinkDigits(pixels, DIGIT_SIDE), labels }], scene);
}

function scenesOf(composer: DenseSceneComposer, count: number, stream: RandomStream): Scenes {
  const { images, labels } = composer.compose(count, stream);
  const shape: [number, number, number] = [count, SCENE.canvas, SCENE.canvas];
  const classes = growDigits(labels, SCENE.canvas, GROWTH).map((label) =>
    label === BACKGROUND ? DIGIT_CLASSES : label,
  );
  return tf.tidy(() => ({
    images: tf
      .tensor(images, [...shape, 1])
      .sub(INK.mean)
      .mul(INK.scale),
    labels: tf.tensor3d(classes, shape, 'int32'),
  }));
}

/** The first held-back scenes, the same in every call. */
export async function testScenes(count: number): Promise<Scenes> {
  return scenesOf(await composerOf('test'), count, randomStream(0, 'test scenes'));
}

/** Trains a model with the standard `fit`, one call per epoch, each with new scenes drawn from (seed, purpose, epoch). */
export async function train(model: tf.LayersModel, recipe: Recipe, seed: number, purpose: string): Promise<void> {
  const { epochs, steps, batchSize, peak } = recipe;
  const composer = await composerOf('train', recipe.scene);
  model.compile({ optimizer: tf.train.adam(peak, 0.9, 0.99, 1e-8), loss: segmentationLoss() });
  const callbacks = [
    new LearningRateSchedule(cosineWarmup({ peak, warmup: steps, total: epochs * steps }), { unit: 'step' }),
    new WeightDecay({ rate: 0.05, exempt: ['classToken', 'positions'] }),
    new GradientClip({ norm: 1 }),
    // The schedule is a list, without the first router's odd one.
    new PruningCurriculum({ epochs, first: 0 }),
  ];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const { images, labels } = scenesOf(composer, steps * batchSize, randomStream(seed, purpose, epoch));
    const targets = segmentationTargets(labels, model);
    const { history } = await model.fit(images, targets, {
      initialEpoch: epoch,
      epochs: epoch + 1,
      batchSize,
      shuffle: false,
      verbose: 0,
      callbacks,
    });
    tf.dispose([images, labels, targets]);
    const loss = Number(history['loss']?.[0]);
    if (!Number.isFinite(loss)) throw new Error(`train: loss must be finite, received ${loss} in epoch ${epoch}.`);
    process.stderr.write(`${purpose}, seed ${seed}: epoch ${epoch + 1}/${epochs}, loss ${loss.toFixed(3)}\n`);
  }
}

/** mIoU in per cent over held-back scenes, and over the digits alone, once the model is that for inference. */
export async function score(
  model: tf.LayersModel,
  variant: Variant,
  count: number,
): Promise<{ miou: number; digits: number }> {
  const { images, labels } = await testScenes(count);
  const inference = inferenceModel(model, variant);
  const classes = tf.tidy(() => tf.argMax(inference.predict(images, { batchSize: TEST_BATCH }) as tf.Tensor, -1));
  const counts = confusionMatrix(await labels.data(), await classes.data(), NETWORK.classes);
  tf.dispose([images, labels, classes]);
  const shares = intersectionOverUnion(counts)
    .slice(0, -1)
    .filter((share) => !Number.isNaN(share));
  const digits = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return { miou: 100 * meanIoU(counts), digits: 100 * digits };
}
