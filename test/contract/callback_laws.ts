import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import type { TrainingCallback } from '../../src/core/callback.js';
import { type Checkpoint, restoreCheckpoint, saveCheckpoint } from '../../src/core/checkpoint.js';
import { traces, train } from '../core/models.js';
import { batches, changed, modelFor, onDisk, outside, overDisk, type Run, run, snapshot } from './callback_runs.js';
import { type CallbackRow, EPOCHS, type PerEpoch } from './callbacks.js';

/** A law that every public callback obeys on every backend. */
export type CallbackLaw = (row: CallbackRow) => Promise<void>;

/** Config and state are plain JSON, and the caller's own. */
export const plainJson: CallbackLaw = async (row) => {
  const callback = row.create();
  const config = callback.getConfig();
  expect(JSON.parse(JSON.stringify(config))).toStrictEqual(config);
  expect(JSON.stringify(row.create().getConfig())).toBe(JSON.stringify(config));
  expect(callback.name).toMatch(/^[a-z][A-Za-z]+$/);
  const { values, tensors } = callback.getState();
  expect(JSON.parse(JSON.stringify(values))).toStrictEqual(values);
  tf.dispose(tensors);
};

function inEpoch(keys: PerEpoch, epoch: number): string[] {
  return [
    ...(Array.isArray(keys) ? keys : ((keys as Readonly<Record<number, readonly string[]>>)[epoch] ?? [])),
  ].sort();
}

/**
 * Epoch by epoch, from the same state: with the callback exactly the stated weights and slots end otherwise than
 * without it where it acts, and not a bit does where it does not. Logs carry what is stated, as finite numbers.
 */
export const actsAsStated: CallbackLaw = async (row) => {
  const [model, plain] = [modelFor(row), modelFor(row)];
  const callback = row.create();
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const checkpoint = saveCheckpoint(model, { epoch });
    restoreCheckpoint(plain, checkpoint);
    tf.dispose(checkpoint.tensors);
    const oneStep = { initialEpoch: epoch, epochs: epoch + 1, batchSize: 10 };
    const { history } = await train(model, { ...oneStep, callbacks: [callback] });
    await train(plain, oneStep);
    const [mine, theirs] = [snapshot(model), snapshot(plain)];
    const acts = row.acts.includes(epoch);
    expect(changed(theirs.weights, mine.weights), `weights, epoch ${epoch}`).toEqual(
      acts ? inEpoch(row.weights, epoch) : [],
    );
    expect(changed(theirs.slots, mine.slots), `slots, epoch ${epoch}`).toEqual(acts ? inEpoch(row.slots, epoch) : []);
    // One step was done since the optimizer forgot.
    expect(mine.iterations).toBe(row.clears?.includes(epoch) ? 1 : theirs.iterations);
    expect(Object.keys(history).sort()).toEqual(['loss', ...row.logs].sort());
    for (const key of row.logs) expect(Number.isFinite(history[key]?.[0]), key).toBe(true);
    expect(outside(model)).toEqual(outside(plain));
  }
};

/** Beside tfjs's own callbacks, in any order, it does what it does alone; also when training is stopped early. */
export const besideOthers: CallbackLaw = async (row) => {
  const alone = await run(row, [row.create()], { epochs: 2 });
  const others = (): { calls: string[]; list: tf.CustomCallback[] } => {
    const calls: string[] = [];
    const custom = new tf.CustomCallback({
      onTrainBegin: () => void calls.push('begin'),
      onEpochEnd: (epoch, logs) => void calls.push(`${epoch} ${typeof logs?.['loss']}`),
      onTrainEnd: () => void calls.push('end'),
    });
    // It stops after two epochs: no loss falls by as much as minDelta.
    const early = tf.callbacks.earlyStopping({ monitor: 'loss', patience: 1, minDelta: 1e9 });
    return { calls, list: [custom, early as unknown as tf.CustomCallback] };
  };
  for (const place of [0, 1, 2]) {
    const { calls, list } = others();
    list.splice(place, 0, row.create());
    const beside = await run(row, place === 1 ? list : list.reverse(), { epochs: 9 });
    expect(beside).toEqual(alone);
    expect(calls).toEqual(['begin', '0 number', '1 number', 'end']);
  }
};

/** An uninterrupted run, and the checkpoints that a callback at the end of the list takes after each epoch. */
async function runAndSave(row: CallbackRow): Promise<{ whole: Run; saved: Checkpoint[] }> {
  const [model, callback, saved] = [modelFor(row), row.create(), [] as Checkpoint[]];
  const saver = new tf.CustomCallback({
    onEpochEnd: (epoch) => void saved.push(saveCheckpoint(model, { epoch: epoch + 1, callbacks: [callback] })),
  });
  const { history } = await train(model, { epochs: EPOCHS, callbacks: [callback, saver] });
  return { whole: { state: snapshot(model), history }, saved };
}

/** Stop at any epoch, save, go on in a fresh model with a fresh callback: the same bits and logs as in one go. */
export const resumesExactly: CallbackLaw = async (row) => {
  const { whole, saved } = await runAndSave(row);
  for (let stop = 0; stop <= EPOCHS; stop++) {
    const [first, callbacks] = [modelFor(row), [row.create()]];
    if (stop > 0) await train(first, { epochs: stop, callbacks });
    const checkpoint = await overDisk(saveCheckpoint(first, { epoch: stop, callbacks }));
    const inFit = saved[stop - 1];
    if (inFit) expect(await onDisk(inFit), 'a checkpoint taken within fit').toEqual(await onDisk(checkpoint));
    const [second, again] = [modelFor(row), [row.create()]];
    await train(second);
    const initialEpoch = restoreCheckpoint(second, checkpoint, { callbacks: again });
    tf.dispose(checkpoint.tensors);
    expect(initialEpoch).toBe(stop);
    if (stop < EPOCHS) {
      const { history } = await train(second, { initialEpoch, epochs: EPOCHS, callbacks: again });
      const rest = Object.entries(whole.history).map(([key, values]) => [key, values.slice(stop)]);
      expect(history, `logs from epoch ${stop} on`).toEqual(Object.fromEntries(rest));
    }
    expect(snapshot(second), `stopped at ${stop}`).toEqual(whole.state);
  }
};

const hooks = ['started', 'epochStarted', 'batchStarted', 'batchEnded', 'epochEnded'] as const;

/** Makes one of the callback's own hooks do its work and then throw, once. */
function sabotage(callback: TrainingCallback, hook: (typeof hooks)[number]): () => void {
  const method = Reflect.get(callback, hook) as (...args: unknown[]) => unknown;
  Reflect.set(callback, hook, async (...args: unknown[]) => {
    await method.apply(callback, args);
    throw new Error(`${hook} fails`);
  });
  return () => void Reflect.deleteProperty(callback, hook);
}

/** Whatever throws in `fit`, the callback's own hooks included: model and optimizer are as if it had never been there. */
export const restoresWhenFitThrows: CallbackLaw = async (row) => {
  const fresh = await run(row, [row.create()], { epochs: 2 });
  const plain = await run(row, [], { epochs: 2 });
  const boom = (): never => {
    throw new Error('boom');
  };
  const elsewhere: [string, ConstructorParameters<typeof tf.CustomCallback>[0]][] = [
    ['boom', { onTrainBegin: boom }],
    ['boom', { onBatchBegin: (batch) => (batch === 1 ? boom() : undefined) }],
    ['boom', { onEpochEnd: (epoch) => (epoch === 1 ? boom() : undefined) }],
    ['boom', { onTrainEnd: boom }],
  ];
  const model = modelFor(row);
  const start = saveCheckpoint(model, { epoch: 0 });
  await train(model);
  restoreCheckpoint(model, start);
  const before = outside(model);
  const callback = row.create();
  const afterwards = async (what: string): Promise<void> => {
    expect(outside(model), what).toEqual(before);
    restoreCheckpoint(model, start);
    await train(model, { epochs: 2 });
    expect(snapshot(model), `${what}: without the callback`).toEqual(plain.state);
    restoreCheckpoint(model, start);
  };
  for (const [message, args] of elsewhere) {
    const callbacks = [callback, new tf.CustomCallback(args)];
    await expect(train(model, { epochs: 2, callbacks })).rejects.toThrow(message);
    await afterwards(Object.keys(args)[0] as string);
  }
  for (const hook of hooks) {
    const repair = sabotage(callback, hook);
    await expect(train(model, { epochs: 2, callbacks: [callback] })).rejects.toThrow(`${hook} fails`);
    repair();
    await afterwards(hook);
  }
  await train(model, { epochs: 2, callbacks: [callback] });
  expect(snapshot(model), 'with the callback, once more').toEqual(fresh.state);
  tf.dispose(start.tensors);
};

/** A callback that served one `fit` serves the next as a new one would, in the same model and in another. */
export const servesTwice: CallbackLaw = async (row) => {
  const callback = row.create();
  const first = await run(row, [callback]);
  expect(await run(row, [callback])).toEqual(first);
  const [used, renewed] = [modelFor(row), modelFor(row)];
  for (const [initialEpoch, epochs] of [
    [0, 1],
    [1, EPOCHS],
  ] as const) {
    await train(used, { initialEpoch, epochs, callbacks: [callback] });
  }
  await train(renewed, { epochs: EPOCHS, callbacks: [row.create()] });
  expect(snapshot(used), 'in two pieces, one after the other').toEqual(snapshot(renewed));
};

/** Not one tensor more after three trainings than after one, whether a callback is kept or made anew. */
export const leavesNoTensors: CallbackLaw = async (row) => {
  const model = modelFor(row);
  const kept = row.create();
  await train(model, { callbacks: [kept] });
  const { numTensors } = tf.memory();
  for (const callback of [kept, row.create(), kept]) {
    await train(model, { epochs: 2, callbacks: [callback] });
    expect(tf.memory().numTensors).toBe(numTensors);
  }
};

/** `fitDataset` on the same batches gives the bits and logs of `fit`, and leaves no tensors. */
export const worksInFitDataset: CallbackLaw = async (row) => {
  const expected = await run(row, [row.create()]);
  for (const size of ['known', 'unknown'] as const) {
    const model = modelFor(row);
    const callbacks = [row.create()];
    const { history } = await model.fitDataset(batches(size), { epochs: EPOCHS, verbose: 0, callbacks });
    expect({ state: snapshot(model), history }, size).toEqual(expected);
    expect(traces(model)).toEqual([]);
  }
};

/** Beside another callback of the library it does not matter which of the two comes first. */
export async function orderMakesNoDifference(one: CallbackRow, other: CallbackRow): Promise<void> {
  const forwards = await run(one, [one.create(), other.create()], { epochs: 3 });
  const backwards = await run(one, [other.create(), one.create()], { epochs: 3 });
  expect(backwards).toEqual(forwards);
}
