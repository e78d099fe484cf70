import { type CallbackState, type Json, TrainingCallback } from '../core/callback.js';
import { argumentError, requireInteger, requireOneOf } from '../core/checks.js';
import { holdLearningRate, setLearningRate } from '../core/learning_rate.js';
import type { Schedule } from './schedules.js';

/** Options of {@link LearningRateSchedule}. */
export interface LearningRateScheduleConfig {
  /** What the schedule counts: optimizer steps or epochs, both absolute. Default `'epoch'`. */
  unit?: 'step' | 'epoch';
  /**
   * Batches per epoch. Needed only for `fitDataset` on a data set of unknown size that goes on at an `initialEpoch`
   * without the state of the first run; elsewhere it is known or counted.
   */
  stepsPerEpoch?: number;
}

/**
 * A callback that sets the optimizer's learning rate from a function of the step or epoch.
 *
 * Works with every tfjs optimizer, `fit` and `fitDataset`. It acts before each epoch (`unit: 'epoch'`) or each batch
 * (`unit: 'step'`), touches no weight and no slot, and reports the last rate of each epoch as `learningRate`. Epochs are
 * absolute, so `initialEpoch` works. When training ends or throws, the learning rate is again what it was.
 *
 * May be combined with every other callback; of two schedules the later in the list wins.
 *
 * @throws At construction for options out of range; in `fit` if the function returns something else than a finite
 * number, or if the step is not known (see `stepsPerEpoch`).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { cosineWarmup, LearningRateSchedule } from 'tfjs-llf';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
 * model.compile({ optimizer: tf.train.adam(), loss: 'meanSquaredError' });
 * const rate = cosineWarmup({ peak: 0.01, warmup: 2, total: 10 });
 * const { history } = await model.fit(tf.ones([8, 2]), tf.zeros([8, 1]), {
 *   epochs: 5,
 *   batchSize: 4,
 *   verbose: 0,
 *   callbacks: [new LearningRateSchedule(rate, { unit: 'step' })],
 * });
 * console.log(history.learningRate);
 * ```
 */
export class LearningRateSchedule extends TrainingCallback {
  override readonly name = 'learningRateSchedule';
  private readonly unit: 'step' | 'epoch';
  private readonly givenSteps: number | undefined;
  /** Where the epoch after the last one seen begins. */
  private next: { readonly epoch: number; readonly step: number } = { epoch: 0, step: 0 };
  private epoch = 0;
  private step = 0;
  private rate = 0;

  constructor(
    private readonly schedule: Schedule,
    { unit = 'epoch', stepsPerEpoch }: LearningRateScheduleConfig = {},
  ) {
    super();
    const owner = 'LearningRateSchedule';
    if (typeof schedule !== 'function') throw argumentError(owner, 'schedule', 'a function', schedule);
    this.unit = requireOneOf(owner, 'unit', unit, ['step', 'epoch']);
    if (stepsPerEpoch !== undefined) requireInteger(owner, 'stepsPerEpoch', stepsPerEpoch, 1);
    this.givenSteps = stepsPerEpoch;
  }

  override getConfig(): { readonly [key: string]: Json } {
    return { unit: this.unit, stepsPerEpoch: this.givenSteps ?? null };
  }

  override getState(): CallbackState {
    return { values: { nextEpoch: this.next.epoch, nextStep: this.next.step }, tensors: {} };
  }

  override setState({ values }: CallbackState): void {
    this.next = {
      epoch: requireInteger('LearningRateSchedule', 'nextEpoch', values['nextEpoch'], 0),
      step: requireInteger('LearningRateSchedule', 'nextStep', values['nextStep'], 0),
    };
  }

  protected override started(): void {
    this.undoLater(holdLearningRate(this.model.optimizer));
  }

  protected override epochStarted(epoch: number): void {
    this.epoch = epoch;
    if (this.unit === 'epoch') this.set(epoch);
    else this.step = this.firstStep(epoch);
  }

  protected override batchStarted(): void {
    if (this.unit === 'step') this.set(this.step++);
  }

  protected override epochEnded(_epoch: number, log: (key: string, value: number) => void): void {
    if (this.unit === 'step') this.next = { epoch: this.epoch + 1, step: this.step };
    log('learningRate', this.rate);
  }

  private set(time: number): void {
    const rate = this.schedule(time);
    if (!Number.isFinite(rate)) {
      throw argumentError('LearningRateSchedule', `schedule(${time})`, 'a finite number', rate);
    }
    this.rate = rate;
    setLearningRate(this.model.optimizer, rate);
  }

  /** The absolute step that an epoch begins with. */
  private firstStep(epoch: number): number {
    const steps = this.givenSteps ?? this.batchesPerEpoch();
    if (steps !== undefined) return epoch * steps;
    if (epoch === 0) return 0;
    if (epoch === this.next.epoch) return this.next.step;
    const why = `given to begin at epoch ${epoch} of a data set of unknown size`;
    throw argumentError('LearningRateSchedule', 'stepsPerEpoch', why, undefined);
  }
}
