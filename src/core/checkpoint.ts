import { clone, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type Json, TrainingCallback } from './callback.js';
import { requireInteger } from './checks.js';
import { SeededLayer } from './layer.js';
import { setLearningRate } from './learning_rate.js';
import { modelLayers, modelWeights } from './model_weights.js';
import {
  optimizerConfig,
  optimizerCounters,
  optimizerNumbers,
  optimizerSlots,
  setIterations,
  setOptimizerSlots,
  trainedWeights,
} from './optimizer_state.js';

interface SavedCallback {
  readonly name: string;
  readonly config: { readonly [key: string]: Json };
  readonly values: { readonly [key: string]: Json };
}

interface SavedWeight {
  readonly shape: readonly number[];
  /** Whether the optimizer moves it. */
  readonly trained: boolean;
}

/** The part of a {@link Checkpoint} that is plain JSON. */
export interface CheckpointInfo {
  /** Version of this layout. */
  readonly format: 1;
  /** Epochs that are done: the `initialEpoch` to go on with. */
  readonly epoch: number;
  /** Shape of every weight, and whether it is trained, by `layer/weight`. */
  readonly weights: { readonly [key: string]: SavedWeight };
  /** Random streams that the library's layers have drawn (drop path, random routing). */
  readonly draws: { readonly [layer: string]: number };
  /** The optimizer's numbers; its slots are among the tensors. */
  readonly optimizer: {
    /** Class and hyperparameters, which a model that resumes must share. */
    readonly config: { readonly [key: string]: Json };
    /** Steps that are done. */
    readonly iterations: number;
    /** The rate at the end of the epoch, which a schedule may have changed. */
    readonly learningRate: number;
  };
  /** The callbacks of this library, in their order. */
  readonly callbacks: readonly SavedCallback[];
}

/** Everything that the rest of a training run depends on. */
export interface Checkpoint {
  /** Plain JSON. */
  readonly info: CheckpointInfo;
  /** Weights, optimizer slots and what callbacks keep; dispose them with `tf.dispose(checkpoint.tensors)`. */
  readonly tensors: NamedTensorMap;
}

/** Options of {@link saveCheckpoint}. */
export interface SaveCheckpointOptions {
  /** Epochs that are done. */
  epoch: number;
  /** The callbacks of the run. Only those of this library are saved; tfjs's own begin anew in each `fit`. */
  callbacks?: readonly object[];
}

/**
 * Takes a snapshot of a compiled model from which `fit` goes on exactly as if it had not stopped: weights, the
 * optimizer's slots and counters, its learning rate, what the layers have drawn at random, and the state of this
 * library's callbacks.
 *
 * The tensors are copies (of references: no data moves) that the caller disposes. They are `float32` or `int32` as the
 * weights are. To write them to disk use `tf.io.encodeWeights(checkpoint.tensors)` beside
 * `JSON.stringify(checkpoint.info)`. `model.save({includeOptimizer: true})` is no substitute: it recomputes Adam's bias
 * correction with another rounding and knows nothing of callbacks (https://github.com/tensorflow/tfjs/issues/5138).
 *
 * Call it between two calls of `fit`, or in `onEpochEnd` of a callback that comes last in the list.
 *
 * @throws If the model is not compiled.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { restoreCheckpoint, saveCheckpoint, WeightDecay } from 'tfjs-llf';
 *
 * const build = () => {
 *   const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
 *   model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
 *   return model;
 * };
 * const x = tf.ones([8, 2]);
 * const y = tf.zeros([8, 1]);
 *
 * const first = build();
 * const callbacks = [new WeightDecay({ rate: 0.05 })];
 * await first.fit(x, y, { epochs: 3, shuffle: false, verbose: 0, callbacks });
 * const checkpoint = saveCheckpoint(first, { epoch: 3, callbacks });
 *
 * const second = build();
 * const again = [new WeightDecay({ rate: 0.05 })];
 * const initialEpoch = restoreCheckpoint(second, checkpoint, { callbacks: again });
 * await second.fit(x, y, { initialEpoch, epochs: 6, shuffle: false, verbose: 0, callbacks: again });
 * ```
 */
export function saveCheckpoint(model: LayersModel, { epoch, callbacks = [] }: SaveCheckpointOptions): Checkpoint {
  requireInteger('saveCheckpoint', 'epoch', epoch, 0);
  requireCompiled('saveCheckpoint', model);
  const tensors: NamedTensorMap = {};
  for (const { key, variable } of modelWeights(model)) tensors[`weight:${key}`] = clone(variable);
  for (const { field, weight, value } of optimizerSlots(model)) tensors[`slot:${field}:${weight.key}`] = clone(value);
  for (const [field, counter] of optimizerCounters(model.optimizer)) tensors[`counter:${field}`] = clone(counter);
  const saved = ours(callbacks).map((callback, i) => {
    const state = callback.getState();
    for (const [key, value] of Object.entries(state.tensors)) tensors[`callback:${i}:${key}`] = value;
    return { name: callback.name, config: callback.getConfig(), values: state.values };
  });
  const optimizer = { config: optimizerConfig(model.optimizer), ...optimizerNumbers(model.optimizer) };
  const draws = Object.fromEntries(seededLayers(model).map(({ key, layer }) => [key, layer.draws]));
  return { info: { format: 1, epoch, weights: describe(model), draws, optimizer, callbacks: saved }, tensors };
}

/**
 * Puts a snapshot into a model that was built and compiled in the same way, and into callbacks made with the same
 * options; returns the `initialEpoch` for `fit`.
 *
 * Layers are matched by name; where tfjs made the name up (`dense_Dense3`), by position. The checkpoint's tensors are
 * copied and stay valid.
 *
 * @throws If a weight, the optimizer or a callback differs from what was saved: the message names the difference, and
 * nothing has been changed.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { restoreCheckpoint, saveCheckpoint } from 'tfjs-llf';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
 * model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
 * const before = saveCheckpoint(model, { epoch: 0 });
 * await model.fit(tf.ones([4, 2]), tf.ones([4, 1]), { epochs: 2, verbose: 0 });
 * restoreCheckpoint(model, before); // as if it had never been trained
 * ```
 */
export function restoreCheckpoint(
  model: LayersModel,
  { info, tensors }: Checkpoint,
  { callbacks = [] }: Pick<SaveCheckpointOptions, 'callbacks'> = {},
): number {
  requireCompiled('restoreCheckpoint', model);
  const { optimizer } = model;
  requireSame('weight', info.weights, describe(model));
  requireSame('optimizer', info.optimizer.config, optimizerConfig(optimizer));
  const mine = ours(callbacks);
  const names = (list: readonly { name: string }[]): Json => list.map(({ name }) => name);
  requireSame('list of', { callbacks: names(info.callbacks) }, { callbacks: names(mine) });
  info.callbacks.forEach(({ name, config }, i) => {
    requireSame(name, config, mine[i]?.getConfig() ?? {});
  });
  for (const { key, variable } of modelWeights(model)) variable.assign(tensors[`weight:${key}`] as Tensor);
  for (const { key, layer } of seededLayers(model)) layer.draws = info.draws[key] ?? 0;
  setOptimizerSlots(model, savedSlots(tensors));
  for (const [field, counter] of optimizerCounters(optimizer)) counter.assign(tensors[`counter:${field}`] as Tensor);
  setIterations(optimizer, info.optimizer.iterations);
  setLearningRate(optimizer, info.optimizer.learningRate);
  mine.forEach((callback, i) => {
    callback.setState({ values: info.callbacks[i]?.values ?? {}, tensors: withPrefix(tensors, `callback:${i}:`) });
  });
  return info.epoch;
}

function ours(callbacks: readonly object[]): TrainingCallback[] {
  return callbacks.filter((callback) => callback instanceof TrainingCallback);
}

function seededLayers(model: LayersModel): { key: string; layer: SeededLayer<object> }[] {
  return modelLayers(model).flatMap(({ key, layer }) => (layer instanceof SeededLayer ? [{ key, layer }] : []));
}

function requireCompiled(owner: string, model: LayersModel): void {
  if (!model.optimizer) throw new Error(`${owner}: model must be compiled, received one without an optimizer.`);
}

function describe(model: LayersModel): Record<string, SavedWeight> {
  const trained = new Set(trainedWeights(model).map(({ key }) => key));
  return Object.fromEntries(
    modelWeights(model).map(({ key, variable }) => [key, { shape: variable.shape, trained: trained.has(key) }]),
  );
}

function withPrefix(tensors: NamedTensorMap, prefix: string): NamedTensorMap {
  const entries = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(prefix.length), value]));
}

function savedSlots(tensors: NamedTensorMap): Map<string, Map<string, Tensor>> {
  const slots = new Map<string, Map<string, Tensor>>();
  for (const [name, value] of Object.entries(withPrefix(tensors, 'slot:'))) {
    const colon = name.indexOf(':');
    const field = name.slice(0, colon);
    const list = slots.get(field) ?? new Map<string, Tensor>();
    slots.set(field, list.set(name.slice(colon + 1), value));
  }
  return slots;
}

/** Compares two sets of options (or of weights with their shapes) and names the first difference. */
function requireSame(what: string, saved: Record<string, unknown>, received: Record<string, unknown>): void {
  for (const key of new Set([...Object.keys(saved), ...Object.keys(received)])) {
    const [expected, actual] = [saved[key], received[key]].map((value) => JSON.stringify(value) ?? 'nothing');
    if (expected === actual) continue;
    throw new Error(`restoreCheckpoint: ${what} "${key}" must be ${expected} as saved, received ${actual}.`);
  }
}
