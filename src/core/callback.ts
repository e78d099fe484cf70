import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import { CustomCallback, LayersModel } from '@tensorflow/tfjs-layers';
import { onFitEnd } from './fit_guard.js';

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a callback has to remember between two calls of `fit`: plain JSON, and tensors where numbers would not do. */
export interface CallbackState {
  /** Plain JSON. */
  readonly values: { readonly [key: string]: Json };
  /** Copies; whoever asked for them disposes them. */
  readonly tensors: NamedTensorMap;
}

/** Logs of an epoch or batch, as numbers. */
export type NumberLogs = Record<string, number>;

type RawLogs = Record<string, number | Tensor>;

/** tfjs hands a callback its losses as scalar tensors; replaces these by numbers in place, as `CustomCallback` does. */
async function toNumbers(logs: RawLogs): Promise<NumberLogs> {
  const numbers = logs as NumberLogs;
  for (const [key, value] of Object.entries(logs)) {
    if (typeof value === 'number') continue;
    numbers[key] = (await value.data())[0] as number;
    value.dispose();
  }
  return numbers;
}

/**
 * Base of every callback in this library.
 *
 * It extends `CustomCallback`, so that it yields to the event loop and may stand beside any other callback in an array:
 * a plain object mixed with a class instance breaks in tfjs (https://github.com/tensorflow/tfjs/issues/1792), wrap it in
 * `new tf.CustomCallback({...})`.
 *
 * A subclass acts in `started`, `epochStarted`, `batchStarted`, `batchEnded` and `epochEnded`, which receive absolute
 * epochs. What it changes in a model or optimizer it registers with `undoLater`: that is undone when training ends,
 * when `fit` throws, and at the latest when the next training begins.
 */
export abstract class TrainingCallback extends CustomCallback {
  /** Name under which the callback reports (logs carry `name/key`) and is found in a checkpoint. */
  abstract readonly name: string;

  private trained: LayersModel | undefined;
  private undo: (() => void)[] = [];

  constructor() {
    super({});
  }

  /** The options that decide what the callback does, as far as JSON can hold them. */
  abstract getConfig(): { readonly [key: string]: Json };

  /** What must be remembered to resume exactly; empty where the epoch says all. */
  getState(): CallbackState {
    return { values: {}, tensors: {} };
  }

  /** Takes over what `getState` returned, in this process or another. Copies the tensors. */
  setState(_state: CallbackState): void {}

  protected started(): void | Promise<void> {}
  protected epochStarted(_epoch: number): void | Promise<void> {}
  protected batchStarted(_batch: number): void | Promise<void> {}
  protected batchEnded(_batch: number): void | Promise<void> {}
  /** `logs` are those of the epoch, for `readLogs`; `log` adds to them. */
  protected epochEnded(
    _epoch: number,
    _log: (key: string, value: number) => void,
    _logs?: unknown,
  ): void | Promise<void> {}

  /** The model in training. */
  protected get model(): LayersModel {
    if (this.trained === undefined) throw new Error(`${this.name}: a model must be in training, received none.`);
    return this.trained;
  }

  /** Batches per epoch of the `fit` under way, where they are known: not for a data set of unknown size. */
  protected batchesPerEpoch(): number | undefined {
    const { samples, batchSize, steps } = this.params;
    if (typeof steps === 'number') return steps;
    if (typeof samples === 'number' && typeof batchSize === 'number') return Math.ceil(samples / batchSize);
    return undefined;
  }

  /** Registers what puts a change right again; the last change is undone first. */
  protected undoLater(undo: () => void): void {
    this.undo.push(undo);
  }

  /** The logs of this moment as numbers; on a GPU this waits for the device. */
  protected readLogs(logs: unknown): Promise<NumberLogs> {
    return toNumbers((logs ?? {}) as RawLogs);
  }

  private restore(): void {
    const failures: unknown[] = [];
    for (const undo of this.undo.splice(0).reverse()) {
      try {
        undo();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  override setModel(model: Parameters<CustomCallback['setModel']>[0]): void {
    if (!(model instanceof LayersModel)) throw new Error(`${this.name}: model must be a LayersModel.`);
    this.trained = model;
  }

  override async onTrainBegin(logs?: Parameters<CustomCallback['onTrainBegin']>[0]): Promise<void> {
    this.restore();
    this.undoLater(onFitEnd(this.model, () => this.restore()));
    await super.onTrainBegin(logs);
    try {
      await this.started();
    } catch (failure) {
      this.restore();
      throw failure;
    }
  }

  override async onTrainEnd(logs?: Parameters<CustomCallback['onTrainEnd']>[0]): Promise<void> {
    this.restore();
    await super.onTrainEnd(logs);
  }

  override async onEpochBegin(epoch: number, logs?: Parameters<CustomCallback['onEpochBegin']>[1]): Promise<void> {
    await super.onEpochBegin(epoch, logs);
    await this.epochStarted(epoch);
  }

  override async onEpochEnd(epoch: number, logs?: Parameters<CustomCallback['onEpochEnd']>[1]): Promise<void> {
    const log = (key: string, value: number): void => {
      if (logs) logs[key] = value;
    };
    await this.epochEnded(epoch, log, logs);
    await super.onEpochEnd(epoch, logs);
  }

  override async onBatchBegin(batch: number, logs?: Parameters<CustomCallback['onBatchBegin']>[1]): Promise<void> {
    await super.onBatchBegin(batch, logs);
    await this.batchStarted(batch);
  }

  override async onBatchEnd(batch: number, logs?: Parameters<CustomCallback['onBatchEnd']>[1]): Promise<void> {
    await this.batchEnded(batch);
    await super.onBatchEnd(batch, logs);
  }
}
