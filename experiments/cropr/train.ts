/** One model: its data, its training, its score. */
import * as tf from '@tensorflow/tfjs';
import {
  auxTargets,
  cosineWarmup,
  crossEntropy,
  GradientClip,
  LearningRateSchedule,
  type RandomStream,
  randomStream,
  stripAuxHeads,
  visionTransformer,
  WeightDecay,
} from 'tfjs-llf';
import { loadMnist, type MnistSplit } from '../../examples/data/mnist.js';
import { SceneComposer, shrinkDigits } from '../../examples/data/scenes.js';
import { pruningOf, type Rate, type Recipe, SCENE, type Variant, VIT } from './settings.js';

/** Brings ink to about mean 0 and deviation 1. */
const INK = { mean: 0.1, scale: 4 };
const TEST_BATCH = 100;

/** Images `[n, canvas, canvas, 1]` as the network wants them, and one-hot targets `[n, classes]`. */
interface Scenes {
  images: tf.Tensor;
  targets: tf.Tensor;
}

/** The model of a variant; its own weights come from the seed. */
export function build(variant: Variant | Rate, seed: number): tf.LayersModel {
  const pruning = pruningOf(variant);
  return visionTransformer({ ...VIT, seed, ...(pruning ? { pruning } : {}) });
}

/** Gives a model the weights of the backbone, layer by layer; routers and aux heads keep theirs. */
export function adoptBackbone(model: tf.LayersModel, backbone: tf.LayersModel): void {
  for (const layer of backbone.layers) model.getLayer(layer.name).setWeights(layer.getWeights());
}

function scenesOf(
  composer: SceneComposer,
  { labels }: MnistSplit,
  indices: ArrayLike<number>,
  stream: RandomStream,
): Scenes {
  const { canvas } = composer.config;
  return tf.tidy(() => {
    const ink = tf.tensor(composer.compose(indices, stream), [indices.length, canvas, canvas, 1]);
    const classes = Int32Array.from(indices, (index) => labels[index] as number);
    return {
      images: ink.sub(INK.mean).mul(INK.scale),
      targets: tf.oneHot(tf.tensor1d(classes, 'int32'), VIT.classes).toFloat(),
    };
  });
}

/** Trains a model with the standard `fit`, one call per epoch, each with new scenes drawn from (seed, purpose, epoch). */
export async function train(model: tf.LayersModel, recipe: Recipe, seed: number, purpose: string): Promise<void> {
  const { epochs, steps, batchSize, peak, cleanEpochs } = recipe;
  const digits = await loadMnist('train');
  const small = shrinkDigits(digits.pixels, SCENE.digit);
  const cluttered = new SceneComposer(small, SCENE);
  const clean = new SceneComposer(small, { ...SCENE, clutter: 0 });
  model.compile({ optimizer: tf.train.adam(peak, 0.9, 0.99, 1e-8), loss: crossEntropy() });
  const callbacks = [
    new LearningRateSchedule(cosineWarmup({ peak, warmup: steps, total: epochs * steps }), { unit: 'step' }),
    new WeightDecay({ rate: 0.05, exempt: ['classToken', 'positions'] }),
    new GradientClip({ norm: 1 }),
  ];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const stream = randomStream(seed, purpose, epoch);
    const indices = Int32Array.from({ length: steps * batchSize }, () => stream.integer(digits.labels.length));
    const { images, targets } = scenesOf(epoch < cleanEpochs ? clean : cluttered, digits, indices, stream);
    const { history } = await model.fit(images, auxTargets(targets, model), {
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

/** Whether a model, stripped for inference, classifies each image rightly. */
export async function rightOnes(model: tf.LayersModel, { images, targets }: Scenes): Promise<ArrayLike<number>> {
  const inference = stripAuxHeads(model);
  const right = tf.tidy(() => {
    const logits = inference.predict(images, { batchSize: TEST_BATCH }) as tf.Tensor;
    return logits.argMax(-1).equal(targets.argMax(-1)).toInt();
  });
  const list = await right.data();
  right.dispose();
  inference.dispose();
  return list;
}

/** Share of the first held-back scenes, in per cent, that a model classifies rightly. */
export async function accuracy(model: tf.LayersModel, count: number): Promise<number> {
  const scenes = await testScenes(count);
  const right = Array.from(await rightOnes(model, scenes));
  tf.dispose([scenes.images, scenes.targets]);
  return (100 * right.reduce((sum, one) => sum + one, 0)) / count;
}

/** The first held-back scenes, the same in every call. */
export async function testScenes(count: number): Promise<Scenes> {
  const digits = await loadMnist('test');
  const indices = Int32Array.from({ length: count }, (_, i) => i);
  return scenesOf(testComposer(digits), digits, indices, testStream());
}

/** For each of the first held-back scenes, the patches that its digit lies on, row by row from 0. */
export async function digitPatches(count: number): Promise<number[][]> {
  const composer = testComposer(await loadMnist('test'));
  const [stream, canvas] = [testStream(), new Float32Array(SCENE.canvas ** 2)];
  const [grid, side] = [SCENE.canvas / VIT.patchSize, SCENE.digit / VIT.patchSize];
  return Array.from({ length: count }, (_, index) => {
    const { top, left } = composer.draw(index, stream, canvas, 0);
    const corner = (top / VIT.patchSize) * grid + left / VIT.patchSize;
    return Array.from({ length: side * side }, (_, i) => corner + Math.floor(i / side) * grid + (i % side));
  });
}

function testComposer({ pixels }: MnistSplit): SceneComposer {
  return new SceneComposer(shrinkDigits(pixels, SCENE.digit), SCENE);
}

function testStream(): RandomStream {
  return randomStream(0, 'test scenes');
}
