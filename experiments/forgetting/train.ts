/** One network: its training, and what is asked of it. */
import * as tf from '@tensorflow/tfjs';
import {
  cosineWarmup,
  crossEntropy,
  ForgetRelearn,
  fewShotEpisodes,
  knowledgeEvolution,
  LaterLayerForgetting,
  LearningRateSchedule,
  layerFeatures,
  linearProbe,
  predictionDepth,
  SEALAnnealer,
  slimModel,
  WeightDecay,
} from 'tfjs-llf';
import { FEATURES, PROBES, residualNetwork } from './network.js';
import { augmented, digits, plain, type Samples, TRANSFERS, type TrainingSet, trainingData } from './samples.js';
import { EPOCHS, type Method, NEIGHBOURS, RECIPE, type Regime } from './settings.js';

/** What is to be trained and judged. */
export interface Run {
  regime: Regime;
  method: Method;
  seed: number;
  /** Judge by images of the training split, for a choice among settings. Default: by the test split. */
  validation?: boolean;
}

/** Shares in [0, 1] but for the depth. */
export interface Outcome {
  /** Test accuracy at the end of each generation. */
  accuracies: number[];
  /** That of the slim network, for Knowledge Evolution by kernel. */
  slim: number[];
  /** Linear and few-shot accuracy on digits; null where there is no other task. */
  transfer: number | null;
  fewShot: number | null;
  /** Mean prediction depth on the test images. */
  depth: number;
  /** Training accuracy on labels that were replaced, and on the others. */
  fitted: { replaced: number | null; right: number };
  /** Why an ascent was stopped. */
  divergence: string | undefined;
}

/** The callback of a method. Plain restarts let the optimizer forget too; long training has none. */
function forgetting(
  { generations, long, seal, llf, ke }: Method,
  seed: number,
): SEALAnnealer | ForgetRelearn | undefined {
  const schedule = { generations, epochsPerGeneration: EPOCHS };
  if (seal)
    return new SEALAnnealer({
      ...schedule,
      early: { before: seal.early },
      ascentScale: seal.scale,
      ascentEpochs: seal.ascentEpochs,
    });
  if (llf) return new LaterLayerForgetting({ ...schedule, ...llf, from: { from: llf.from }, seed });
  if (ke) return new ForgetRelearn({ ...schedule, operation: knowledgeEvolution(ke), seed });
  return long ? undefined : new SEALAnnealer({ ...schedule, early: { before: 'head' }, ascentEpochs: 0 });
}

async function classes(model: tf.LayersModel, images: tf.Tensor): Promise<Int32Array> {
  const best = tf.tidy(() => (model.predict(images, { batchSize: 100 }) as tf.Tensor).argMax(-1));
  const found = await best.data<'int32'>();
  best.dispose();
  return found;
}

const share = (right: ArrayLike<number>, found: ArrayLike<number>): number =>
  Array.from(right).filter((label, i) => label === found[i]).length / right.length;

async function accuracy(model: tf.LayersModel, { images, labels }: Samples): Promise<number> {
  return share(labels, await classes(model, images));
}

/** Trains a network as the method says, and asks it what the tables report. */
export async function train({ regime, method, seed, validation = false }: Run): Promise<Outcome> {
  const { training, held } = await trainingData(regime, seed, validation ? 'validation' : 'test');
  const model = residualNetwork(seed);
  const { batchSize, peak, momentum, weightDecay, warmup, labelSmoothing } = RECIPE;
  const epochs = method.generations * EPOCHS;
  const total = method.long ? epochs : EPOCHS;
  const callback = forgetting(method, seed);
  const outcome: Pick<Outcome, 'accuracies' | 'slim'> = { accuracies: [], slim: [] };
  const judge = new tf.CustomCallback({
    onEpochEnd: async (epoch) => {
      if ((epoch + 1) % EPOCHS > 0) return;
      outcome.accuracies.push(await accuracy(model, held));
      process.stderr.write(
        `${JSON.stringify(method)}, seed ${seed}: epoch ${epoch + 1}: ${outcome.accuracies.at(-1)}\n`,
      );
      if (method.ke?.mode !== 'kels') return;
      const slim = await slimModel(model, { splitRate: method.ke.splitRate ?? 0.5 });
      outcome.slim.push(await accuracy(slim, held));
      slim.dispose();
    },
  });
  model.compile({ optimizer: tf.train.momentum(peak, momentum), loss: crossEntropy({ labelSmoothing }) });
  await model.fitDataset(augmented(training, batchSize, seed), {
    epochs,
    verbose: 0,
    callbacks: [
      new LearningRateSchedule(cosineWarmup({ peak, warmup, total, rise: 'toPeak', restart: true })),
      new WeightDecay({ rate: weightDecay, decoupled: false, exemptVectors: false }),
      ...(callback ? [callback] : []),
      judge,
    ],
  });
  const divergence = callback instanceof SEALAnnealer ? callback.divergence : undefined;
  return {
    ...outcome,
    ...(await transfer(model, seed)),
    depth: await depth(model, training, held),
    fitted: await fitted(model, training),
    divergence,
  };
}

/** How well the features of a network serve to tell digits apart. */
async function transfer(model: tf.LayersModel, seed: number): Promise<Pick<Outcome, 'transfer' | 'fewShot'>> {
  if (!TRANSFERS) return { transfer: null, fewShot: null };
  const { known, held } = await digits(seed);
  const [trainFeatures] = layerFeatures(model, [FEATURES], known.images) as [tf.Tensor2D];
  const [testFeatures] = layerFeatures(model, [FEATURES], held.images) as [tf.Tensor2D];
  const labels = { trainLabels: known.labels, testLabels: held.labels };
  const { accuracy } = await linearProbe({ trainFeatures, testFeatures, ...labels });
  const { mean } = await fewShotEpisodes(testFeatures, held.labels, { seed });
  return { transfer: accuracy, fewShot: mean };
}

/** The depth at which the network has made up its mind about held images; the voters have the labels it was given. */
async function depth(model: tf.LayersModel, training: TrainingSet, held: Samples): Promise<number> {
  const known = plain(training);
  const { mean } = await predictionDepth(
    {
      trainFeatures: layerFeatures(model, PROBES, known.images),
      trainLabels: known.labels,
      features: layerFeatures(model, PROBES, held.images),
      predictions: await classes(model, held.images),
    },
    { k: NEIGHBOURS },
  );
  return mean;
}

/** How many of the training labels the network gives back, of those that were replaced and of the others. */
async function fitted(model: tf.LayersModel, training: TrainingSet): Promise<Outcome['fitted']> {
  const { images, labels } = plain(training);
  const found = await classes(model, images);
  const among = (group: number): number => {
    const members = [...training.replaced.keys()].filter((i) => training.replaced[i] === group);
    return share(
      members.map((i) => labels[i] as number),
      members.map((i) => found[i] as number),
    );
  };
  return { replaced: training.replaced.includes(1) ? among(1) : null, right: among(0) };
}
