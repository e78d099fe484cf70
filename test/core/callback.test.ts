import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type NumberLogs, TrainingCallback } from '../../src/core/callback.js';
import { onEachBackend } from '../setup/backends.js';
import { smallModel, traces, train, trainingData } from './models.js';

/** Writes down every call, and changes something that must be undone. */
class Diary extends TrainingCallback {
  override readonly name = 'diary';
  readonly lines: string[] = [];
  readonly seen: NumberLogs[] = [];
  failAt = '';

  override getConfig(): Record<string, never> {
    return {};
  }

  private note(line: string): void {
    this.lines.push(line);
    if (line === this.failAt) throw new Error(`fails at ${line}`);
  }

  protected override started(): void {
    this.undoLater(() => this.lines.push('undo 1'));
    this.undoLater(() => this.lines.push('undo 2'));
    this.note(`start ${this.batchesPerEpoch()}`);
  }

  protected override epochStarted(epoch: number): void {
    this.note(`epoch ${epoch}`);
  }

  protected override batchStarted(batch: number): void {
    this.note(`batch ${batch}`);
  }

  protected override batchEnded(batch: number): void {
    this.note(`batch ${batch} done`);
  }

  protected override async epochEnded(epoch: number, log: (key: string, value: number) => void): Promise<void> {
    log('diary/epoch', epoch);
    this.note(`epoch ${epoch} done`);
  }

  override async onBatchEnd(batch: number, logs?: Parameters<TrainingCallback['onBatchEnd']>[1]): Promise<void> {
    this.seen.push({ ...(await this.readLogs(logs)) });
    await super.onBatchEnd(batch, logs);
  }
}

const epoch = (n: number): string[] => [
  `epoch ${n}`,
  'batch 0',
  'batch 0 done',
  'batch 1',
  'batch 1 done',
  `epoch ${n} done`,
];

onEachBackend(() => {
  describe('TrainingCallback', () => {
    it('sees absolute epochs and undoes its changes, the last first', async () => {
      const diary = new Diary();
      const model = smallModel();
      const { history } = await train(model, { initialEpoch: 3, epochs: 5, callbacks: [diary] });
      expect(diary.lines).toEqual(['start 2', ...epoch(3), ...epoch(4), 'undo 2', 'undo 1']);
      expect(history['diary/epoch']).toEqual([3, 4]);
      expect(traces(model)).toEqual([]);
    });

    it('reads logs as numbers', async () => {
      const diary = new Diary();
      await train(smallModel(), { callbacks: [diary] });
      expect(diary.seen).toHaveLength(2);
      for (const logs of diary.seen) expect(Object.values(logs).every((value) => typeof value === 'number')).toBe(true);
      expect(diary.seen[0]).toMatchObject({ batch: 0, size: 5 });
      expect(diary.seen[0]?.['loss']).toBeGreaterThan(0);
    });

    for (const failAt of ['start 2', 'epoch 1', 'batch 1', 'batch 0 done', 'epoch 0 done']) {
      it(`undoes everything when fit throws at "${failAt}", and works again`, async () => {
        const diary = new Diary();
        diary.failAt = failAt;
        const model = smallModel();
        await expect(train(model, { epochs: 3, callbacks: [diary] })).rejects.toThrow(`fails at ${failAt}`);
        expect(diary.lines.slice(-2)).toEqual(['undo 2', 'undo 1']);
        expect(diary.lines.filter((line) => line.startsWith('undo'))).toHaveLength(2);
        expect(traces(model)).toEqual([]);
        diary.failAt = '';
        diary.lines.length = 0;
        await train(model, { callbacks: [diary] });
        expect(diary.lines).toEqual(['start 2', ...epoch(0), 'undo 2', 'undo 1']);
      });
    }

    it('undoes everything when the loss throws in the middle of an epoch', async () => {
      const diary = new Diary();
      let calls = 0;
      const model = smallModel(tf.train.sgd(0.1), (target, output) => {
        if (++calls === 3) throw new Error('bad loss');
        return tf.losses.meanSquaredError(target, output);
      });
      await expect(train(model, { epochs: 3, callbacks: [diary] })).rejects.toThrow('bad loss');
      expect(diary.lines.slice(-3)).toEqual(['batch 0', 'undo 2', 'undo 1']);
      expect(traces(model)).toEqual([]);
    });

    it('undoes at the next training what a broken-off custom loop left', async () => {
      const diary = new Diary();
      const model = smallModel();
      diary.setParams({ samples: 10, batchSize: 5 });
      diary.setModel(model);
      await diary.onTrainBegin();
      await diary.onTrainBegin();
      expect(diary.lines).toEqual(['start 2', 'undo 2', 'undo 1', 'start 2']);
      await diary.onTrainEnd();
      expect(diary.lines.slice(-2)).toEqual(['undo 2', 'undo 1']);
      expect(traces(model)).toEqual([]);
    });

    it('undoes at once what a failing start has changed, without a fit to watch', async () => {
      const diary = new Diary();
      diary.failAt = 'start 2';
      const model = smallModel();
      diary.setParams({ samples: 10, batchSize: 5 });
      diary.setModel(model);
      await expect(diary.onTrainBegin()).rejects.toThrow('fails at start 2');
      expect(diary.lines).toEqual(['start 2', 'undo 2', 'undo 1']);
      expect(traces(model)).toEqual([]);
    });

    it('asks for a model, and for one of layers', async () => {
      await expect(new Diary().onTrainBegin()).rejects.toThrow('diary: a model must be in training, received none.');
      expect(() => new Diary().setModel({} as tf.LayersModel)).toThrow('diary: model must be a LayersModel');
    });

    it('runs every undo, also after one that throws', async () => {
      const lines: string[] = [];
      class Clumsy extends Diary {
        protected override started(): void {
          this.undoLater(() => lines.push('first'));
          this.undoLater(() => {
            throw new Error('cannot undo');
          });
        }
      }
      await expect(train(smallModel(), { callbacks: [new Clumsy()] })).rejects.toThrow('cannot undo');
      expect(lines).toEqual(['first']);
    });

    it('works in an array beside others, in any order', async () => {
      const [first, second] = [new Diary(), new Diary()];
      let epochs = 0;
      const custom = new tf.CustomCallback({
        onEpochEnd: (_epoch, logs) => {
          epochs++;
          expect(logs?.['diary/epoch']).toBe(0);
        },
      });
      const early = tf.callbacks.earlyStopping({ monitor: 'loss', patience: 0, minDelta: 1e9 });
      await train(smallModel(), { callbacks: [first, custom, early, second] });
      expect(epochs).toBe(1);
      for (const diary of [first, second]) expect(diary.lines).toHaveLength(9);
    });

    it('yields to the event loop', async () => {
      let ticks = 0;
      const timer = setInterval(() => ticks++, 0);
      const slow = new tf.CustomCallback({
        onBatchBegin: () => {
          const until = Date.now() + 40;
          while (Date.now() < until);
        },
      });
      await train(smallModel(), { batchSize: 1, callbacks: [slow, new Diary()] });
      clearInterval(timer);
      expect(ticks).toBeGreaterThan(0);
    });

    it('follows a Sequential, whose inner model does the training', async () => {
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      const diary = new Diary();
      diary.failAt = 'batch 1';
      await expect(train(model, { callbacks: [diary] })).rejects.toThrow('fails at batch 1');
      expect(diary.lines.slice(-2)).toEqual(['undo 2', 'undo 1']);
      expect(traces(model)).toEqual([]);
    });

    it('does not know the batches of a data set of unknown size', async () => {
      const { x, y } = trainingData();
      const data = tf.data.generator(function* () {
        yield { xs: x.clone(), ys: y.clone() };
        yield { xs: x.clone(), ys: y.clone() };
      });
      const diary = new Diary();
      const model = smallModel();
      await model.fitDataset(data as tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }>, {
        epochs: 1,
        verbose: 0,
        callbacks: [diary],
      });
      expect(diary.lines).toEqual(['start undefined', ...epoch(0), 'undo 2', 'undo 1']);
    });
  });

  describe('canaries: callbacks in tfjs (https://github.com/tensorflow/tfjs/issues/1792)', () => {
    it('a class beside a plain object throws', async () => {
      const plain = { onEpochEnd: () => {} } as unknown as tf.Callback;
      await expect(train(smallModel(), { callbacks: [new tf.CustomCallback({}), plain] })).rejects.toThrow(
        'not a function',
      );
    });

    it('a subclass of Callback is handed tensors for its logs', async () => {
      let type = '';
      class Plain extends tf.Callback {
        override async onBatchEnd(_batch: number, logs?: tf.Logs): Promise<void> {
          type = typeof logs?.['loss'];
        }
      }
      await train(smallModel(), { callbacks: [new Plain()] });
      expect(type).toBe('object');
    });
  });
});
