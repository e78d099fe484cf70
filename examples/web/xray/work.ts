/** The work of the page on X-ray styles. */
import * as tf from '@tensorflow/tfjs';
import {
  AffineNorm,
  cosineWarmup,
  LearningRateSchedule,
  localLaplacian,
  randomStream,
  ssimLoss,
  TrainableLLF,
} from 'tfjs-llf';
import { STYLES, styled } from '../../../experiments/xray_style/styles.js';
import { cropped, fromTensor, type GreyImage, toTensor } from '../../data/grey_image.js';
import { phantom } from '../../data/phantom.js';
import type { Work } from '../shell/messages.js';
import { readImage } from './images.js';
import type { Learned, LearnOrder, XrayJobs } from './jobs.js';
import { CROP } from './samples.js';

const BATCH = 4;
const FILTER = { samples: 12, levels: 6 } as const;
const SSIM_WEIGHT = 0.1;
/** Points of a curve. */
const POINTS = 201;
/** Milliseconds between two reports at least; showing the image may take this share of the time. */
const REPORT_EVERY = 300;
const SHARE = 0.2;

async function imageOf(compute: () => tf.Tensor): Promise<GreyImage> {
  const tensor = tf.tidy(compute);
  const image = await fromTensor(tensor);
  tensor.dispose();
  return image;
}

const read: Work<XrayJobs>['read'] = async (order) => {
  if ('phantom' in order) return phantom(order.phantom, 256);
  if ('bytes' in order) return readImage(order.bytes);
  const response = await fetch(order.url);
  if (!response.ok) throw new Error(`The image could not be loaded (${response.status}).`);
  return readImage(new Uint8Array(await response.arrayBuffer()));
};

const finish: Work<XrayJobs>['finish'] = ({ image, style }) => {
  const hidden = STYLES.find(({ name }) => name === style);
  if (!hidden) throw new Error(`finish: style must be known, received "${style}".`);
  return imageOf(() => styled(toTensor(image), hidden));
};

const apply: Work<XrayJobs>['apply'] = ({ image, table, gain, bias }) =>
  imageOf(() => {
    const filtered = localLaplacian(toTensor(image), { remap: tf.tensor1d([...table]), ...FILTER });
    return tf.add(tf.mul(filtered, gain), bias);
  });

/** One batch after another of squares that lie anywhere in the pair. */
function crops({ before, after, steps, seed }: LearnOrder): tf.data.Dataset<tf.TensorContainer> {
  function* batches(): Generator<{ xs: tf.Tensor; ys: tf.Tensor }> {
    for (let step = 0; step < steps; step++) {
      const stream = randomStream(seed, 'crops', step);
      const places = Array.from({ length: BATCH }, () => [
        stream.integer(before.height - CROP + 1),
        stream.integer(before.width - CROP + 1),
      ]) as [number, number][];
      const part = (image: GreyImage): tf.Tensor =>
        tf.tidy(() => tf.concat(places.map(([top, left]) => toTensor(cropped(image, top, left, CROP, CROP)))));
      yield { xs: part(before), ys: part(after) };
    }
  }
  return tf.data.generator(batches as never);
}

const learn: Work<XrayJobs>['learn'] = async (order, run) => {
  const { before, after, form, steps, seed } = order;
  if (before.height !== after.height || before.width !== after.width) {
    const sides = [before, after].map(({ width, height }) => `${width} x ${height}`).join(' and ');
    throw new Error(`Both images of a pair must be of one size, received ${sides}.`);
  }
  const remap = form === 'network' ? { hidden: [16, 16, 16, 16, 16, 16] } : form;
  const filter = new TrainableLLF({ ...FILTER, remap, seed, inputShape: [null, null, 1] });
  const norm = new AffineNorm();
  const model = tf.sequential({ layers: [filter, norm] });
  const optimizer = tf.train.adam(1e-2);
  const whole = toTensor(before);
  const peak = form === 'network' ? 5e-3 : 2e-2;
  const rate = cosineWarmup({ peak, warmup: steps / 20, total: steps });

  const current = async (): Promise<Learned> => {
    const { detail, remapped } = filter.remapCurve(POINTS);
    const [gain = 1, bias = 0] = await Promise.all(
      ['gain', 'bias'].map(async (name) => {
        const weight = norm.weights.find((one) => one.originalName.endsWith(`/${name}`))?.read();
        return (await weight?.data())?.[0];
      }),
    );
    return { curve: { detail, remapped }, gain, bias };
  };
  let [step, next, nextImage] = [0, 0, 0];
  const watch = new tf.CustomCallback({
    onBatchEnd: async (_, logs) => {
      step += 1;
      await run.breathe();
      if (run.isStopped) model.stopTraining = true;
      const now = performance.now();
      if (now < next && step < steps) return;
      const isDue = now >= nextImage || step === steps;
      const image = isDue ? await imageOf(() => model.predict(whole) as tf.Tensor) : undefined;
      run.report({ step, loss: Number(logs?.['loss']), ...(await current()), image });
      const end = performance.now();
      next = end + REPORT_EVERY;
      if (image) nextImage = end + (end - now) / SHARE;
    },
  });
  try {
    model.compile({ optimizer, loss: ssimLoss({ weight: SSIM_WEIGHT }) });
    await model.fitDataset(crops(order), {
      epochs: 1,
      verbose: 0,
      callbacks: [new LearningRateSchedule(rate, { unit: 'step' }), watch],
    });
    return await current();
  } finally {
    model.dispose();
    optimizer.dispose();
    whole.dispose();
  }
};

export const work: Work<XrayJobs> = { read, finish, learn, apply };
