import { Writable } from 'node:stream';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { ProgressBar } from '../../src/node/progress_bar.js';
import { smallModel, train, trainingData, weightValues } from '../core/models.js';

class Sink extends Writable {
  text = '';

  constructor(readonly isTTY?: boolean) {
    super({
      write: (chunk, _encoding, done) => {
        this.text += String(chunk);
        done();
      },
    });
  }

  readonly columns = 200;

  /** What a terminal would show: without control sequences, line by line, the last drawing of each. */
  lines(): string[] {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what the terminal is told
    const plain = this.text.replace(/\u001b\[1G|\u001b\[0G/g, '\r').replace(/\u001b(\[[0-9;?]*[A-Za-z]|[78])/g, '');
    return plain
      .split('\n')
      .map((line) => line.slice(line.lastIndexOf('\r') + 1).trim())
      .filter((line) => line !== '');
  }
}

const bell = '\u001b';

describe('ProgressBar on a terminal', () => {
  it('draws one bar per epoch, full at the end, with the losses and what callbacks before it report', async () => {
    const stream = new Sink(true);
    const reporter = new tf.CustomCallback({
      onEpochEnd: (_epoch, logs) => {
        if (logs) logs['extra'] = 0.123456;
      },
    });
    const { history } = await train(smallModel(), {
      initialEpoch: 1,
      epochs: 3,
      callbacks: [reporter, new ProgressBar({ stream })],
    });
    const lines = stream.lines();
    expect(lines).toHaveLength(2);
    const losses = history['loss'] as number[];
    lines.forEach((line, i) => {
      const loss = Number(losses[i]?.toPrecision(4));
      expect(line).toMatch(new RegExp(`^epoch ${i + 2}/3 =+ 2/2 \\| .* left \\| loss ${loss} \\| extra 0\\.1235$`));
    });
  });

  it('leaves the terminal as it was, whatever stops the training: no hidden cursor, no wrapping off, no handler', async () => {
    const before = process.listenerCount('SIGINT');
    const stream = new Sink(true);
    let during = -1;
    const nosy = new tf.CustomCallback({
      onBatchBegin: () => {
        during = process.listenerCount('SIGINT');
      },
    });
    await train(smallModel(), { callbacks: [new ProgressBar({ stream }), nosy] });
    expect(during).toBe(before);
    expect(stream.text).toContain(bell);
    for (const control of ['[?25l', '[?7l']) expect(stream.text).not.toContain(bell + control);
  });

  it('stops drawing when fit throws', async () => {
    const stream = new Sink(true);
    const boom = new tf.CustomCallback({ onBatchEnd: () => Promise.reject(new Error('boom')) });
    await expect(train(smallModel(), { callbacks: [new ProgressBar({ stream }), boom] })).rejects.toThrow('boom');
    const { text } = stream;
    expect(text.endsWith('\n')).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(stream.text).toBe(text);
  });
});

describe('ProgressBar elsewhere', () => {
  it('writes one plain line per epoch', async () => {
    const stream = new Sink();
    await train(smallModel(), { epochs: 2, callbacks: [new ProgressBar({ stream })] });
    expect(stream.text).not.toContain(bell);
    expect(stream.lines()).toHaveLength(2);
    expect(stream.lines()[0]).toMatch(/^epoch 1\/2 \| \d+\.\d s \| loss [\d.e-]+$/);
  });

  it('writes plain lines for a data set of unknown size, also on a terminal', async () => {
    const stream = new Sink(true);
    const data = tf.data.generator(function* () {
      const { x, y } = trainingData();
      yield { xs: x, ys: y };
    }) as tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }>;
    await smallModel().fitDataset(data, { epochs: 1, verbose: 0, callbacks: [new ProgressBar({ stream })] });
    expect(stream.text).toMatch(/^epoch 1\/1 \| \d+\.\d s \| loss [\d.e-]+\n$/);
  });

  it('shows validation losses and numbers that are none', async () => {
    const stream = new Sink();
    const model = smallModel(tf.train.sgd(Number.NaN));
    const { x, y } = trainingData();
    await train(model, { validationData: [x, y], callbacks: [new ProgressBar({ stream })] });
    expect(stream.text).toContain('| val_loss NaN');
  });

  it('writes to standard error unless told', () => {
    expect(Reflect.get(new ProgressBar(), 'stream')).toBe(process.stderr);
    expect(new ProgressBar().getConfig()).toEqual({});
  });
});

describe('ProgressBar', () => {
  it('changes no bit and adds no logs', async () => {
    const [plain, watched] = [smallModel(), smallModel()];
    const first = await train(plain, { epochs: 2 });
    const second = await train(watched, { epochs: 2, callbacks: [new ProgressBar({ stream: new Sink(true) })] });
    expect(weightValues(watched)).toEqual(weightValues(plain));
    expect(second.history).toEqual(first.history);
  });
});
