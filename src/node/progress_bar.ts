/// <reference types="node" />
import cliProgress from 'cli-progress';
import { type Json, TrainingCallback } from '../core/callback.js';

/** Options of {@link ProgressBar}. */
export interface ProgressBarConfig {
  /** Where to write. Default `process.stderr`. */
  stream?: NodeJS.WritableStream;
}

/** The part of a terminal bar that is used here. */
interface Bar {
  update(value: number, payload: Record<string, string>): void;
  stop(): void;
}

/** Four significant digits. */
function brief(value: number): string {
  return Number(value.toPrecision(4)).toString();
}

/**
 * A callback for Node that shows how far `fit` is: a bar per epoch with the batch, the losses and the time left on a
 * terminal; elsewhere (a file, a pipe, CI, a data set of unknown size) one plain line per epoch and nothing in between.
 *
 * It reads the losses at each batch (which on a GPU would wait for it), changes neither model nor optimizer, adds no
 * logs and may be combined with every callback; last in the list it also shows what the others report. Pass `verbose: 0`
 * to `fit` where tfjs-node is in use, which draws a bar of its own.
 *
 * @throws Never in training; a stream that fails is the user's to handle.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { ProgressBar } from 'tfjs-llf/node';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
 * model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
 * await model.fit(tf.ones([8, 2]), tf.zeros([8, 1]), { epochs: 2, verbose: 0, callbacks: [new ProgressBar()] });
 * ```
 */
export class ProgressBar extends TrainingCallback {
  override readonly name = 'progressBar';
  private readonly stream: NodeJS.WritableStream;
  private bar: Bar | undefined;
  private label = '';
  private startedAt = 0;

  constructor({ stream = process.stderr }: ProgressBarConfig = {}) {
    super();
    this.stream = stream;
  }

  override getConfig(): { readonly [key: string]: Json } {
    return {};
  }

  protected override started(): void {
    this.undoLater(() => this.close());
  }

  protected override epochStarted(epoch: number): void {
    this.startedAt = Date.now();
    this.label = `epoch ${epoch + 1}/${this.params['epochs']}`;
    const batches = this.batchesPerEpoch();
    if (!('isTTY' in this.stream && this.stream.isTTY) || batches === undefined) return;
    const bar = new cliProgress.SingleBar({
      stream: this.stream,
      format: '{label} {bar} {value}/{total} | {eta_formatted} left{logs}',
      clearOnComplete: false,
      // Nothing that Ctrl-C would leave behind: no hidden cursor, no wrapping switched off, no handler that swallows it.
      hideCursor: false,
      linewrap: true,
      gracefulExit: false,
      barCompleteChar: '=',
      barIncompleteChar: '-',
    });
    bar.start(batches, 0, { label: this.label, logs: '' });
    this.bar = bar;
  }

  override async onBatchEnd(batch: number, logs?: Parameters<TrainingCallback['onBatchEnd']>[1]): Promise<void> {
    if (this.bar) this.bar.update(batch + 1, { label: this.label, logs: this.text(await this.readLogs(logs)) });
    await super.onBatchEnd(batch, logs);
  }

  override async onEpochEnd(epoch: number, logs?: Parameters<TrainingCallback['onEpochEnd']>[1]): Promise<void> {
    await super.onEpochEnd(epoch, logs);
    const text = this.text(await this.readLogs(logs));
    if (this.bar) {
      this.bar.update(this.batchesPerEpoch() ?? 0, { label: this.label, logs: text });
      this.close();
    } else {
      const seconds = ((Date.now() - this.startedAt) / 1000).toFixed(1);
      this.stream.write(`${this.label} | ${seconds} s${text}\n`);
    }
  }

  private close(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private text(logs: Record<string, number>): string {
    const shown = Object.entries(logs).filter(([key]) => key !== 'batch' && key !== 'size');
    return shown.map(([key, value]) => ` | ${key} ${brief(value)}`).join('');
  }
}
