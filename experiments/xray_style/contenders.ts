/** What learns a style from pairs. */
import * as tf from '@tensorflow/tfjs';
import {
  AffineNorm,
  cosineWarmup,
  LearningRateSchedule,
  type RemapCurve,
  ssimLoss,
  styleTransfer,
  TrainableLLF,
} from 'tfjs-llf';
import { toTensor } from '../../examples/data/grey_image.js';
import { cropsOf, type Pair } from './data.js';
import { type Contender, FILTER, REMAPS, SSIM_WEIGHT, STEPS } from './settings.js';

/** A learned style. */
export interface Learned {
  /** An image `[1, H, W, 1]` in the style. */
  apply: (image: tf.Tensor) => Promise<tf.Tensor>;
  /** The curve, where there is one. */
  curve?: RemapCurve;
  dispose: () => void;
}

/** Learns from pairs; everything random comes from the seed. */
export async function learn(contender: Contender, pairs: readonly Pair[], seed: number): Promise<Learned> {
  if (contender === 'aubry') {
    // It takes no pairs: one styled image is the model. The first chest, as the richest one.
    const model = toTensor((pairs[0] as Pair).target);
    const shown = tf.clipByValue(model, 0, 1);
    model.dispose();
    return {
      apply: (image) => styleTransfer(image, shown, { iterations: 5, samples: FILTER.samples }),
      dispose: () => shown.dispose(),
    };
  }
  const remap = REMAPS[contender];
  const filter = new TrainableLLF({ ...FILTER, ...(remap && { remap }), seed, inputShape: [null, null, 1] });
  const layers = contender === 'threeParameter' ? [filter] : [filter, new AffineNorm()];
  const model = tf.sequential({ layers });
  await train(model, contender, pairs, seed);
  return {
    apply: async (image) => model.predict(image) as tf.Tensor,
    curve: filter.remapCurve(401),
    dispose: () => model.dispose(),
  };
}

/** Adam with a warm-up and a cosine, a smaller rate for a network than for single numbers. */
async function train(model: tf.LayersModel, contender: Contender, pairs: readonly Pair[], seed: number): Promise<void> {
  const peak = contender === 'mlpNorm' ? 5e-3 : 2e-2;
  model.compile({ optimizer: tf.train.adam(peak), loss: ssimLoss({ weight: SSIM_WEIGHT }) });
  const crops = tf.data.generator(function* () {
    for (let step = 0; step < STEPS; step++) yield cropsOf(pairs, seed, step);
  });
  const { history } = await model.fitDataset(crops, {
    epochs: 1,
    verbose: 0,
    callbacks: [new LearningRateSchedule(cosineWarmup({ peak, warmup: STEPS / 20, total: STEPS }), { unit: 'step' })],
  });
  const loss = Number(history['loss']?.[0]);
  if (!Number.isFinite(loss)) throw new Error(`train: loss must be finite, received ${loss}.`);
}
