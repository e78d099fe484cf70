import * as tf from '@tensorflow/tfjs';
import type { Checkpoint } from '../../src/core/checkpoint.js';
import { modelLayers, modelWeights } from '../../src/core/model_weights.js';
import { optimizerSlots } from '../../src/core/optimizer_state.js';
import { smallModel, traces, train, trainingData } from '../core/models.js';
import { BASE_RATE, type CallbackRow, EPOCHS } from './callbacks.js';

type Values = Record<string, number[]>;

/** All that training changes in model and optimizer, as numbers to compare bit for bit. */
export interface Snapshot {
  weights: Values;
  slots: Values;
  iterations: number;
}

const numbers = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

export function snapshot(model: tf.LayersModel): Snapshot {
  return {
    weights: Object.fromEntries(modelWeights(model).map(({ key, variable }) => [key, numbers(variable)])),
    slots: Object.fromEntries(
      optimizerSlots(model).map(({ field, weight, value }) => [`${field}:${weight.key}`, numbers(value)]),
    ),
    iterations: model.optimizer.iterations,
  };
}

/** The keys of weights (or of the weights that slots belong to) whose values differ. */
export function changed(before: Values, after: Values): string[] {
  const keys = Object.keys(after).filter((key) => String(before[key]) !== String(after[key]));
  return [...new Set(keys.map((key) => key.slice(key.indexOf(':') + 1)))].sort();
}

export function modelFor(row: CallbackRow): tf.LayersModel {
  return smallModel((row.optimizer ?? (() => tf.train.adam(BASE_RATE)))());
}

type FitArgs = Parameters<typeof train>[1];

/** Trains a fresh model with the callbacks and tells what came of it. */
export async function run(row: CallbackRow, callbacks: tf.CustomCallback[], args: FitArgs = {}): Promise<Run> {
  const model = modelFor(row);
  const { history } = await train(model, { epochs: EPOCHS, callbacks, ...args });
  const state = snapshot(model);
  const { optimizer } = model;
  model.dispose();
  optimizer.dispose();
  return { state, history };
}

export interface Run {
  state: Snapshot;
  history: tf.History['history'];
}

/** Through text and bytes, as on the way to another process. */
export async function overDisk({ info, tensors }: Checkpoint): Promise<Checkpoint> {
  const text = JSON.stringify(info);
  const { data, specs } = await tf.io.encodeWeights(tensors);
  tf.dispose(tensors);
  return { info: JSON.parse(text) as Checkpoint['info'], tensors: tf.io.decodeWeights(data, specs) };
}

/** What the model would show of a callback that has not tidied up. */
export function outside(model: tf.LayersModel): unknown {
  const { optimizer } = model;
  return {
    traces: traces(model),
    optimizer: Object.keys(optimizer).sort(),
    rate: Reflect.get(optimizer, 'learningRate'),
    trainable: modelLayers(model).map(({ layer }) => layer.trainable),
  };
}

/** What a checkpoint is on disk. */
export async function onDisk({ info, tensors }: Checkpoint): Promise<unknown> {
  const { data, specs } = await tf.io.encodeWeights(tensors);
  return { text: JSON.stringify(info), specs, bytes: Array.from(new Uint8Array(data)) };
}

type Batches = tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }>;

/** The batches that `train` makes, as a data set whose size is known or not. */
export function batches(size: 'known' | 'unknown'): Batches {
  const { x, y } = trainingData();
  const samples = tf.data.zip({
    xs: tf.data.array(x.arraySync() as number[][]),
    ys: tf.data.array(y.arraySync() as number[][]),
  });
  tf.dispose([x, y]);
  const known = samples.batch(5) as unknown as Batches;
  if (size === 'known') return known;
  return tf.data.generator(async function* () {
    const iterator = await known.iterator();
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  } as unknown as () => Iterator<{ xs: tf.Tensor; ys: tf.Tensor }>) as Batches;
}
