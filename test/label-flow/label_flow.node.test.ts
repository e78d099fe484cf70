import * as tf from '@tensorflow/tfjs';
import { describe, expect, it, vi } from 'vitest';
import { getLearningRate } from '../../src/core/learning_rate.js';
import { randomStream } from '../../src/core/random.js';
import { GradientClip } from '../../src/forgetting/gradient_clip.js';
import { ConditionalFlow } from '../../src/label-flow/conditional_flow_layer.js';
import { type BaselineMethod, labelBaseline } from '../../src/label-flow/label_baseline.js';
import { type LabelFlowConfig, labelFlow } from '../../src/label-flow/label_flow.js';
import { errorBounds } from '../../src/label-flow/vote_summary.js';
import { largestError } from '../cropr/golden.js';
import breastCancer from '../fixtures/label-flow/tabular_breast_cancer.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { accuracy, splitOf, type Table } from './tables.js';

/** Two clouds of points, the class of each, and three rules that are each wrong now and then. */
function clouds(rows: number, classes = 2) {
  const stream = randomStream(3, 'clouds');
  const y = Array.from({ length: rows }, (_, n) => n % classes);
  const x = y.map((label) => [
    2 * Math.cos(2.5 * label) + stream.normal(),
    2 * Math.sin(2.5 * label) + stream.normal(),
    7,
  ]);
  const votes = y.map((label) =>
    [0.8, 0.75, 0.7].map((right) => {
      if (stream.uniform() < 0.2) return -1;
      return stream.uniform() < right ? label : stream.integer(classes);
    }),
  );
  return { x, y, votes, bounds: errorBounds(votes, y) };
}

const SMALL = { features: 3, labelSize: 2, hidden: 6, steps: 2, epochs: 30, learningRate: 0.03, seed: 1 } as const;

async function trained(config: LabelFlowConfig, { x, votes }: ReturnType<typeof clouds>) {
  const flow = labelFlow(config);
  return { flow, report: await flow.fit(x, votes) };
}

onEachBackend((backend) => {
  describe('labelFlow', () => {
    it('learns from rules what beats each of them, and leaves nothing behind', async () => {
      const { numTensors } = tf.memory();
      const data = clouds(80);
      const { flow, report } = await trained({ ...SMALL, bounds: data.bounds }, data);
      const [classes, probabilities] = [flow.predict(data.x), flow.predictProba(data.x)];
      expect(accuracy(classes.dataSync(), data.y)).toBeGreaterThan(0.85);
      expect(classes.dtype).toBe('int32');
      expect(probabilities.shape).toEqual([80, 2]);
      expect(
        largestError(
          tf.tidy(() => tf.sum(probabilities, 1).dataSync()),
          Array(80).fill(1),
        ),
      ).toBeLessThan(1e-5);
      expect(report.loss).toHaveLength(30);
      expect(report.loss.at(-1)).toBeLessThan((report.loss[0] as number) / 2);
      await flow.fit(data.x.slice(0, 20), data.votes.slice(0, 20));
      flow.dispose();
      tf.dispose([classes, probabilities]);
      expect(tf.memory().numTensors).toBe(numTensors);
    });

    it('repeats itself from a seed, and takes tensors', async () => {
      const data = clouds(30);
      const config = { ...SMALL, epochs: 3 };
      const runs = await Promise.all(
        [1, 1, 2].map(async (seed) => {
          const { flow } = await trained({ ...config, seed }, data);
          const [arrays, tensors] = [flow.predictProba(data.x), flow.predictProba(tf.tensor2d(data.x))];
          const values = Array.from(arrays.dataSync());
          expect(Array.from(tensors.dataSync())).toEqual(values);
          flow.dispose();
          return values;
        }),
      );
      expect(runs[1]).toEqual(runs[0]);
      expect(runs[2]).not.toEqual(runs[0]);
    });

    it('shuffles the rows of small batches anew in each epoch, as the seed says', async () => {
      const data = clouds(30);
      const seen = async (seed: number, epochs: number) => {
        const { flow, report } = await trained({ ...SMALL, seed, epochs, batchSize: 8, decay: 1 }, data);
        const values = Array.from(flow.predictProba(data.x).dataSync());
        flow.dispose();
        return { values, loss: report.loss };
      };
      const random = vi.spyOn(Math, 'random');
      const first = await seen(1, 3);
      expect(await seen(1, 3)).toEqual(first);
      expect((await seen(1, 2)).loss).toEqual(first.loss.slice(0, 2));
      expect(random).not.toHaveBeenCalled();
      random.mockRestore();
      expect((await seen(2, 3)).loss).not.toEqual(first.loss);
    });

    it('hands all rows to each epoch, with their own votes', async () => {
      const data = clouds(42);
      const seen: string[] = [];
      const call = ConditionalFlow.prototype.call;
      const spy = vi.spyOn(ConditionalFlow.prototype, 'call').mockImplementation(function (
        this: ConditionalFlow,
        inputs,
        kwargs,
      ) {
        if (kwargs.training)
          seen.push(...tf.util.flatten((inputs as tf.Tensor[])[0]?.arraySync() as number[][]).map(String));
        return call.call(this, inputs, kwargs);
      });
      const { flow } = await trained({ ...SMALL, batchSize: 21 }, data);
      spy.mockRestore();
      const epoch = seen.length / SMALL.epochs;
      const [first, second] = [seen.slice(0, epoch), seen.slice(epoch, 2 * epoch)];
      expect(second).not.toEqual(first);
      expect([...second].sort()).toEqual([...first].sort());
      expect(new Set(first).size).toBe(2 * data.x.length + 1);
      // Votes of other rows would teach nothing.
      expect(accuracy(flow.predict(data.x).dataSync(), data.y)).toBeGreaterThan(0.8);
      flow.dispose();
    });

    it('knows more than two classes, soft votes, small batches and a class balance', async () => {
      const data = clouds(90, 3);
      const soft = data.votes.map((row) =>
        row.map((vote) => (vote === -1 ? [-1] : [0, 1, 2].map((c) => (c === vote ? 0.9 : 0.05)))),
      );
      const { numTensors } = tf.memory();
      const flow = labelFlow({
        ...SMALL,
        labelSize: 3,
        epochs: 12,
        batchSize: 45,
        average: 0.7,
        classBalance: [1 / 3, 1 / 3, 1 / 3],
        bounds: errorBounds(soft, data.y),
      });
      await flow.fit(data.x, soft);
      const classes = flow.predict(data.x);
      expect(accuracy(classes.dataSync(), data.y)).toBeGreaterThan(0.55);
      flow.dispose();
      classes.dispose();
      expect(tf.memory().numTensors).toBe(numTensors);
    });

    it('lets the learning rate fall after each epoch, to a hundredth, and takes further callbacks', async () => {
      const data = clouds(12);
      const rates: number[] = [];
      const norms: (number | undefined)[] = [];
      const watch = new tf.CustomCallback({
        onEpochEnd: async (_epoch, logs) => {
          rates.push(getLearningRate(flow.model?.optimizer as tf.Optimizer));
          norms.push(logs?.['gradientClip/norm']);
        },
      });
      const callbacks = [new GradientClip({ norm: 1000 }), watch];
      const flow = labelFlow({ ...SMALL, epochs: 5, learningRate: 0.02, decay: 0.2, callbacks });
      await flow.fit(data.x, data.votes);
      [0.02, 0.004, 0.0008, 0.0002, 0.0002].forEach((rate, i) => {
        expect(rates[i]).toBeCloseTo(rate, 8);
      });
      expect(norms.every((norm) => norm !== undefined && norm > 0)).toBe(true);
      flow.dispose();
    });

    it('never makes a last batch of one row', async () => {
      const data = clouds(13);
      const { flow, report } = await trained({ ...SMALL, epochs: 1, batchSize: 2 }, data);
      expect(Number.isFinite(report.loss[0])).toBe(true);
      flow.dispose();
    });

    it('names the bounds that no labels can meet', async () => {
      const data = clouds(40);
      const votes = data.y.map((label) => [label, 1 - label]);
      const flow = labelFlow({ ...SMALL, bounds: 0.1 });
      const { broken } = await flow.fit(data.x, votes);
      expect(new Set(broken.map(({ signal }) => signal)).size).toBeGreaterThan(0);
      for (const { error, bound } of broken) expect(error).toBeGreaterThan(bound + 0.05);
      // What one signal gains the other loses.
      const total = broken.reduce((sum, { error }) => sum + error, 0);
      expect(total).toBeGreaterThan(0.6);
      flow.dispose();
    });

    it('learns a number from the means of groups', async () => {
      const stream = randomStream(4, 'numbers');
      const x = Array.from({ length: 100 }, () => [stream.normal(), stream.normal()]);
      const truth = x.map(([a = 0, b = 0]) => 10 + 2 * a + b);
      const groups = x.map(([a = 0, b = 0]) => [a > 0 ? 1 : 0, b > 0 ? 1 : 0]);
      const mean = (m: number, part: number): number => {
        const members = truth.filter((_, n) => groups[n]?.[m] === part);
        return members.reduce((sum, label) => sum + label / members.length, 0);
      };
      const means = [0, 1].map((m) => [mean(m, 0), mean(m, 1)]);
      const { numTensors } = tf.memory();
      const flow = labelFlow({ ...SMALL, features: 2, labelSize: 1, range: [0, 20], steps: 4, epochs: 80 });
      await flow.fitMeans(x, groups, means);
      const predicted = flow.predict(x);
      expect(predicted.shape).toEqual([100]);
      const rmse = (values: ArrayLike<number>): number =>
        Math.sqrt(truth.reduce((sum, label, n) => sum + (label - (values[n] as number)) ** 2 / truth.length, 0));
      const overall = truth.reduce((sum, label) => sum + label / truth.length, 0);
      expect(rmse(predicted.dataSync())).toBeLessThan(0.8 * rmse(truth.map(() => overall)));
      flow.dispose();
      predicted.dispose();
      expect(tf.memory().numTensors).toBe(numTensors);
    });

    it('names the means that no number can have', async () => {
      const x = Array.from({ length: 20 }, (_, n) => [Math.sin(n), Math.cos(n)]);
      const flow = labelFlow({ ...SMALL, features: 2, labelSize: 1, range: [-10, 10], epochs: 80 });
      const both = x.map(() => [0, 0]);
      // All rows are to have the mean -5 by one rule, 5 by the other.
      const { broken } = await flow.fitMeans(x, both, [[-5], [5]]);
      expect(broken.map(({ signal, bound }) => [signal, bound]).sort()).toEqual([
        [0, -5],
        [1, 5],
      ]);
      expect(broken[0]?.error).toBeCloseTo(broken[1]?.error as number, 10);
      const feasible = await flow.fitMeans(x, both, [[0], [0]]);
      expect(feasible.broken).toEqual([]);
      flow.dispose();
    });

    it('gives NaN for NaN in a tensor, and for that row only', async () => {
      const data = clouds(20);
      const { flow } = await trained({ ...SMALL, epochs: 2 }, data);
      const x = tf.tensor2d([
        [0, 0, 7],
        [Number.NaN, 0, 7],
        [1, 1, 7],
      ]);
      const values = flow.predictProba(x).arraySync();
      expect(values[0]?.every(Number.isFinite) && values[2]?.every(Number.isFinite)).toBe(true);
      if (backend !== 'webgl') expect(values[1]?.every((value) => Number.isNaN(value) || value <= 1)).toBe(true);
      flow.dispose();
    });
  });
});

describe.each(['majority', 'average', 'ge', 'all', 'cll'] as BaselineMethod[])('the baseline %s', (method) => {
  it('learns from rules, in the interface of labelFlow', async () => {
    const data = clouds(200);
    const { numTensors } = tf.memory();
    const rival = labelBaseline({ method, features: 3, labelSize: 2, bounds: data.bounds, seed: 1 });
    await rival.fit(data.x, data.votes);
    const classes = rival.predict(data.x);
    expect(accuracy(classes.dataSync(), data.y)).toBeGreaterThan(0.85);
    classes.dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('comes to rest with many features', async () => {
    const stream = randomStream(5, 'many');
    const y = Array.from({ length: 60 }, (_, n) => n % 2);
    const x = y.map((label) => Array.from({ length: 400 }, (_, f) => (f < 20 ? label : 0) + stream.normal()));
    const votes = y.map((label) => [label === 0 ? [0.52, 0.48] : [0.48, 0.52]]);
    const rival = labelBaseline({ method, features: 400, labelSize: 2, bounds: 0.1, seed: 1 });
    await rival.fit(x, votes);
    expect(accuracy(rival.predict(x).dataSync(), y)).toBe(1);
  });

  it('does on breast cancer about what the authors’ code does', async () => {
    const { train, test, votes, bounds } = splitOf(breastCancer as Table, 0);
    const rival = labelBaseline({ method, features: breastCancer.d, labelSize: 2, bounds, seed: 1 });
    await rival.fit(train.x, votes);
    expect(accuracy(rival.predict(test.x).dataSync(), test.y)).toBeGreaterThan(0.87);
  });
});
