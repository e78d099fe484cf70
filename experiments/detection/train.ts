/** One model: its data, its training, its score. */
import * as tf from '@tensorflow/tfjs';
import {
  averagePrecision,
  boxOverlap,
  cosineWarmup,
  type Detection,
  type DetectionObject,
  detect,
  detectionLoss,
  detectionTargets,
  detectionTransformer,
  GradientClip,
  LearningRateSchedule,
  maskOverlap,
  type RandomStream,
  randomStream,
  stripAuxHeads,
  WeightDecay,
} from 'tfjs-llf';
import { DenseSceneComposer, type DenseSceneConfig } from '../../examples/data/dense_scenes.js';
import { loadMnist, MNIST_SIDE } from '../../examples/data/mnist.js';
import { shrinkDigits } from '../../examples/data/scenes.js';
import { DIGIT_SIDES, DIGITS, LOSS, NETWORK, PRUNING, type Recipe, SCENE, type Variant } from './settings.js';

/** Brings ink to about mean 0 and deviation 1. */
export const INK = { mean: 0.1, scale: 4 };

/** Images `[n, canvas, canvas, 1]` as the network wants them, and the digits of each. */
export interface Scenes {
  images: tf.Tensor;
  objects: (DetectionObject & { readonly mask: Int32Array })[][];
}

/** The model of a variant; its own weights come from the seed. */
export function build(variant: Variant, seed: number): tf.LayersModel {
  return detectionTransformer({ ...NETWORK, seed, ...(variant !== 'unpruned' && { pruning: PRUNING[variant] }) });
}

/** Gives a model the weights of the backbone, layer by layer; routers and aux heads keep theirs. */
export function adoptBackbone(model: tf.LayersModel, backbone: tf.LayersModel): void {
  for (const layer of backbone.layers) model.getLayer(layer.name).setWeights(layer.getWeights());
}

async function composerOf(split: 'train' | 'test', scene: DenseSceneConfig): Promise<DenseSceneComposer> {
  const mnist = await loadMnist(split);
  const pixels = mnist.pixels.subarray(0, DIGITS * MNIST_SIDE ** 2);
  const labels = mnist.labels.subarray(0, DIGITS);
  const sets = DIGIT_SIDES.map((side) => ({ side, pixels: shrinkDigits(pixels, side), labels }));
  return new DenseSceneComposer(sets, scene);
}

function scenesOf(composer: DenseSceneComposer, count: number, stream: RandomStream): Scenes {
  const { images, objects } = composer.compose(count, stream);
  const { canvas } = composer.config;
  const ink = images.map((value) => (value - INK.mean) * INK.scale);
  return { images: tf.tensor4d(ink, [count, canvas, canvas, 1]), objects };
}

/** The first held-back scenes, the same in every call. */
export async function testScenes(count: number): Promise<Scenes> {
  return scenesOf(await composerOf('test', SCENE), count, randomStream(0, 'test scenes'));
}

/** Trains a model with the standard `fit`, one call per epoch, each with new scenes drawn from (seed, purpose, epoch). */
export async function train(model: tf.LayersModel, recipe: Recipe, seed: number, purpose: string): Promise<void> {
  const { scene, epochs, steps, batchSize, peak } = recipe;
  const composer = await composerOf('train', scene);
  model.compile({ optimizer: tf.train.adam(peak, 0.9, 0.99, 1e-8), loss: detectionLoss(model, LOSS) });
  const callbacks = [
    new LearningRateSchedule(cosineWarmup({ peak, warmup: steps, total: epochs * steps }), { unit: 'step' }),
    new WeightDecay({ rate: 0.05, exempt: ['classToken', 'positions'] }),
    new GradientClip({ norm: 1 }),
  ];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const { images, objects } = scenesOf(composer, steps * batchSize, randomStream(seed, purpose, epoch));
    const targets = detectionTargets(objects, model);
    const { history } = await model.fit(images, targets, {
      initialEpoch: epoch,
      epochs: epoch + 1,
      batchSize,
      shuffle: false,
      verbose: 0,
      callbacks,
    });
    tf.dispose([images, targets]);
    const loss = Number(history['loss']?.[0]);
    if (!Number.isFinite(loss)) throw new Error(`train: loss must be finite, received ${loss} in epoch ${epoch}.`);
    process.stderr.write(`${purpose}, seed ${seed}: epoch ${epoch + 1}/${epochs}, loss ${loss.toFixed(3)}\n`);
  }
}

/** Average precision in per cent over held-back scenes, of boxes and of masks. */
export interface Score {
  box: number;
  box50: number;
  mask: number;
  mask50: number;
}

/** Scores a model, once it is that for inference. */
export async function score(model: tf.LayersModel, count: number): Promise<Score> {
  const { images, objects } = await testScenes(count);
  const inference = stripAuxHeads(model);
  const detections: Detection[][] = await detect(inference, images);
  images.dispose();
  const scenes = objects.map((there, i) => ({ objects: there, detections: detections[i] ?? [] }));
  const [box, mask] = [averagePrecision(scenes, boxOverlap), averagePrecision(scenes, maskOverlap)];
  return { box: 100 * box.ap, box50: 100 * box.ap50, mask: 100 * mask.ap, mask50: 100 * mask.ap50 };
}
