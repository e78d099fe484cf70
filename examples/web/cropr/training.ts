/** How the net learns: at another pruning rate in each step, so that it is used to them all. */
import * as tf from '@tensorflow/tfjs';
import {
  auxTargets,
  cosineWarmup,
  crossEntropy,
  GradientClip,
  LearningRateSchedule,
  randomStream,
  TokenPruner,
  visionTransformer,
  WeightDecay,
} from 'tfjs-llf';
import type { DigitSet } from '../data/digits.js';
import { ROUTERS, SCENE, VIT } from './net.js';
import { MOST, ratesFor } from './rates.js';
import { SceneSource } from './scene_source.js';

/** Brings ink to about mean 0 and deviation 1. */
const INK = { mean: 0.1, scale: 4 };

/** A length of training. */
export interface Plan {
  steps: number;
  batchSize: number;
  /** Highest learning rate. */
  peak: number;
  seed: number;
  /** Shares of the patches that are dropped, one of them in each step. Default: any up to the most. */
  shares?: readonly number[];
}

/** Losses of a step. */
export interface Losses {
  /** Of the net, and the mean over the heads of its routers. */
  loss: number;
  routerLoss: number;
}

/** Scenes as the net wants them: `[n, 50, 50, 1]`. */
export function tensorOf(scenes: Float32Array): tf.Tensor4D {
  const scaled = scenes.map((ink) => (ink - INK.mean) * INK.scale);
  return tf.tensor4d(scaled, [scenes.length / SCENE.canvas ** 2, SCENE.canvas, SCENE.canvas, 1]);
}

/** A net with all that a trained one has, but routers and auxiliary heads that begin anew. */
export function newNet(seed: number, trained: tf.LayersModel): tf.LayersModel {
  const after = Array.from({ length: ROUTERS }, (_, block) => block);
  const net = visionTransformer({ ...VIT, seed, pruning: { prune: ratesFor(0.5), after, fusion: false } });
  for (const layer of trained.layers) {
    if (!(layer instanceof TokenPruner)) net.getLayer(layer.name).setWeights(layer.getWeights());
  }
  return net;
}

/** From now on the routers of a net remove this share of the patches. */
export function setShare(net: tf.LayersModel, share: number): void {
  const rates = ratesFor(share);
  net.layers
    .filter((layer) => layer instanceof TokenPruner)
    .forEach((router, i) => {
      router.rate = rates[i] ?? 0;
    });
}

/** The logs hold the sum of all losses, and each of them under the name of its layer. */
function lossesOf(logs: tf.Logs | undefined): Losses {
  const [all, loss] = [Number(logs?.['loss']), Number(logs?.['head_loss'])];
  return { loss, routerLoss: (all - loss) / ROUTERS };
}

/** Trains a net on scenes of these digits; `onStep` hears of each step and ends it all by false. */
export async function trainNet(
  net: tf.LayersModel,
  digits: DigitSet,
  { steps, batchSize, peak, seed, shares }: Plan,
  onStep: (step: number, losses: Losses) => Promise<boolean>,
): Promise<void> {
  const stream = randomStream(seed, 'scenes');
  const nextShare = (): number => shares?.[stream.integer(shares.length)] ?? MOST * stream.uniform();
  const source = new SceneSource(digits);
  function* batches(): Generator<{ xs: tf.Tensor; ys: tf.Tensor[] }> {
    for (let step = 0; step < steps; step++) {
      const { scenes, labels } = source.draw(batchSize, stream);
      const targets = tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), VIT.classes).toFloat());
      yield { xs: tensorOf(scenes), ys: auxTargets(targets, net) };
    }
  }
  let step = 0;
  const watch = new tf.CustomCallback({
    onBatchBegin: async () => setShare(net, nextShare()),
    onBatchEnd: async (_, logs) => {
      step += 1;
      if (!(await onStep(step, lossesOf(logs)))) net.stopTraining = true;
    },
  });
  const optimizer = tf.train.adam(peak, 0.9, 0.99, 1e-8);
  try {
    net.compile({ optimizer, loss: crossEntropy() });
    await net.fitDataset(tf.data.generator(batches as never), {
      epochs: 1,
      verbose: 0,
      callbacks: [
        new LearningRateSchedule(cosineWarmup({ peak, warmup: steps / 20, total: steps }), { unit: 'step' }),
        new WeightDecay({ rate: 0.05, exempt: ['classToken', 'positions'] }),
        new GradientClip({ norm: 1 }),
        watch,
      ],
    });
  } finally {
    optimizer.dispose();
  }
}
