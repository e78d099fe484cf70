import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { ConditionalFlow } from '../../src/label-flow/conditional_flow_layer.js';
import { labelBaseline } from '../../src/label-flow/label_baseline.js';
import { labelFlow } from '../../src/label-flow/label_flow.js';
import { groupMeanLoss, labelFlowLoss } from '../../src/label-flow/loss.js';
import { oneFeatureSignal } from '../../src/label-flow/one_feature_signal.js';
import { packSignals } from '../../src/label-flow/pack.js';
import { errorBounds, voteSummary } from '../../src/label-flow/vote_summary.js';
import type { Votes } from '../../src/label-flow/votes.js';

/** What a user without types may pass. */
function wrong<T>(value: unknown): T {
  return value as T;
}

type Case = [what: string, action: () => unknown, message: string];

const flow = () => labelFlow({ features: 2, labelSize: 2, hidden: 2, steps: 1, epochs: 1 });
const zeros = (...shape: [number, number, number]): tf.Tensor3D => tf.zeros(shape);

const atOnce: readonly Case[] = [
  [
    'labels of no size',
    () => new ConditionalFlow({ labelSize: 0 }),
    'ConditionalFlow: labelSize must be an integer of at least 1, received 0.',
  ],
  [
    'half a step',
    () => new ConditionalFlow({ labelSize: 2, steps: 0.5 }),
    'ConditionalFlow: steps must be an integer of at least 1, received 0.5.',
  ],
  [
    'unknown statistics',
    () => new ConditionalFlow({ labelSize: 2, statistics: wrong('moving') }),
    'ConditionalFlow: statistics must be one of "running", "batch", received "moving".',
  ],
  [
    'images',
    () => new ConditionalFlow({ labelSize: 2 }).apply(tf.input({ shape: [4, 4, 1] })),
    'ConditionalFlow: features must be of shape [batch, features], received [null, 4, 4, 1].',
  ],
  [
    'noise of another size',
    () => new ConditionalFlow({ labelSize: 2 }).apply([tf.input({ shape: [4] }), tf.input({ shape: [3] })]),
    'ConditionalFlow: noise must be of shape [batch, 2], received [null, 3].',
  ],
  [
    'a batch of one in training',
    () => new ConditionalFlow({ labelSize: 2, hidden: 2 }).apply(tf.zeros([1, 3]), { training: true }),
    'ConditionalFlow: batch must be of at least two rows in training, received 1.',
  ],
  [
    'labels of other rows',
    () => new ConditionalFlow({ labelSize: 2, hidden: 2 }).logProb(tf.zeros([3, 2]), tf.zeros([2, 2])),
    'ConditionalFlow: labels must be of shape [3, 2], received [2, 2].',
  ],
  [
    'bounds above 1',
    () => labelFlowLoss({ bounds: [[0.1, 1.1]] }),
    'labelFlowLoss: bounds must be a number in [0, 1], received 1.1.',
  ],
  [
    'bounds that are NaN',
    () => labelFlowLoss({ bounds: [[Number.NaN]] }),
    'labelFlowLoss: bounds must be a number in [0, 1], received NaN.',
  ],
  [
    'no bounds',
    () => labelFlowLoss({ bounds: [] }),
    'labelFlowLoss: bounds must be numbers for each signal and class, received [].',
  ],
  [
    'bounds for other signals',
    () => labelFlowLoss({ bounds: [[0.1, 0.1]] })(packSignals(zeros(4, 2, 2)), tf.zeros([4, 4])),
    'labelFlowLoss: signals must be of shape [batch, 1, 2], received [4, 2, 2].',
  ],
  [
    'outputs of another layer',
    () => labelFlowLoss({ bounds: [[0.1, 0.1]] })(packSignals(zeros(4, 1, 2)), tf.zeros([4, 3])),
    'labelFlowLoss: outputs must be of shape [batch, 2], received [4, 3].',
  ],
  [
    'an average that never forgets',
    () => labelFlowLoss({ bounds: [[0.1, 0.1]], average: 1 }),
    'labelFlowLoss: average must be a number in [0, 0.999], received 1.',
  ],
  [
    'means out of range',
    () => groupMeanLoss({ means: [0, 2] }),
    'groupMeanLoss: means must be a number in [0, 1], received 2.',
  ],
  [
    'a mask of other rows',
    () => packSignals(zeros(4, 2, 2), zeros(3, 2, 2)),
    'packSignals: mask must be of shape [4, 2, 2], received [3, 2, 2].',
  ],
  [
    'an unknown class',
    () => voteSummary([[0], [-2]]),
    'voteSummary: votes[1][0] must be an integer in [-1, 0], received -2.',
  ],
  ['labels of other rows', () => errorBounds([[0], [1]], [0]), 'errorBounds: labels must be of 2 rows, received 1.'],
  [
    'no known label',
    () => errorBounds([[0], [1]], [-1, -1]),
    'errorBounds: labels must be known for at least one row, received [-1, -1].',
  ],
  [
    'labels of one class',
    () => oneFeatureSignal([1, 2], [1, 1]),
    'oneFeatureSignal: labels must be of both classes, received [1, 1].',
  ],
  [
    'no features',
    () => labelFlow({ features: 0, labelSize: 2 }),
    'labelFlow: features must be an integer of at least 1, received 0.',
  ],
  [
    'shares that do not sum to 1',
    () => labelFlow({ features: 1, labelSize: 2, classBalance: [0.5, 0.4] }),
    'labelFlow: classBalance must be 2 shares that sum to 1, received [0.5, 0.4].',
  ],
  [
    'an upside-down range',
    () => labelFlow({ features: 1, labelSize: 1, range: [1, 0] }),
    'labelFlow: range must be [low, high] with low < high, received [1, 0].',
  ],
  [
    'predict before fit',
    () => flow().predict([[0, 0]]),
    'labelFlow: predict must be called after fit, received undefined.',
  ],
  [
    'an unknown baseline',
    () => labelBaseline({ method: wrong('snorkel'), features: 1, labelSize: 2 }),
    'labelBaseline: method must be one of "majority", "average", "ge", "all", "cll", received "snorkel".',
  ],
];

const X = [
  [0, 1],
  [1, 0],
  [2, 2],
];
const VOTES: Votes = [[0], [1], [-1]];

const inFit: readonly [what: string, x: number[][], votes: Votes, message: string][] = [
  ['votes of another length', X, [[0], [1]], 'votes must be of 3 rows, received 2.'],
  ['no votes', X, [[], [], []], 'votes must be of at least one signal, received [].'],
  ['a row with fewer signals', X, [[0, 1], [1], [0, 0]], 'votes[1] must be of 2 signals, received 1.'],
  ['an unknown class', X, [[0], [2], [1]], 'votes[1][0] must be an integer in [-1, 1], received 2.'],
  ['half a vote', X, [[0], [0.5], [1]], 'votes[1][0] must be an integer in [-1, 1], received 0.5.'],
  ['a vote that is NaN', X, [[0], [Number.NaN], [1]], 'votes[1][0] must be an integer in [-1, 1], received NaN.'],
  [
    'soft votes of three classes',
    X,
    [[[0, 0, 1]], [0], [1]],
    'votes[0][0] must be 2 numbers in [0, 1], received [0, 0, 1].',
  ],
  ['soft votes out of range', X, [[[1.5, 0]], [0], [1]], 'votes[0][0] must be 2 numbers in [0, 1], received [1.5, 0].'],
  ['no usable signal', X, [[-1], [-1], [-1]], 'votes must be cast at least once, received only abstentions.'],
  ['features of another width', [[0], [1], [2]], VOTES, 'features must be of shape [rows, 2], received [3, 1].'],
  [
    'NaN among the features',
    [
      [0, 1],
      [Number.NaN, 0],
      [2, 2],
    ],
    VOTES,
    'features[1] must be finite numbers, received NaN.',
  ],
  ['no rows', [], [], 'features must be of at least one row, received [0, 2].'],
];

describe.each(atOnce)('bad input is named: %s', (_what, action, message) => {
  it('at once', () => {
    expect(() => tf.tidy(() => void action())).toThrow(message);
  });
});

describe.each(inFit)('bad input is named in fit: %s', (_what, x, votes, message) => {
  it('by labelFlow and by labelBaseline', async () => {
    await expect(flow().fit(x, votes)).rejects.toThrow(`labelFlow: ${message}`);
    const rival = labelBaseline({ method: 'majority', features: 2, labelSize: 2 });
    await expect(rival.fit(x, votes)).rejects.toThrow(`labelBaseline: ${message}`);
  });
});

describe('bad input to labelFlow', () => {
  it('is one row, bounds out of range, votes for a number, means for classes', async () => {
    await expect(flow().fit([[0, 1]], [[0]])).rejects.toThrow(
      'labelFlow: features must be of at least two rows for training, received 1.',
    );
    const bounded = labelFlow({ features: 2, labelSize: 2, bounds: [[0.1, -0.1]] });
    await expect(bounded.fit(X, VOTES)).rejects.toThrow(
      'labelFlow: bounds[0] must be a number in [0, 1], received -0.1.',
    );
    const number = labelFlow({ features: 2, labelSize: 1 });
    await expect(number.fit(X, VOTES)).rejects.toThrow('labelFlow: labelSize must be at least 2 for votes');
    await expect(flow().fitMeans(X, [[0], [0], [1]], [[0, 1]])).rejects.toThrow('labelFlow: labelSize must be 1');
    await expect(number.fitMeans(X, [[0], [2], [1]], [[0, 1]])).rejects.toThrow(
      'labelFlow: groups[1][0] must be an integer in [-1, 1], received 2.',
    );
    await expect(number.fitMeans(X, [[0], [0], [1]], [[0, 7]])).rejects.toThrow(
      'labelFlow: means must be a number in [0, 1], received 7.',
    );
  });

  it('constant features are none: they say nothing', async () => {
    const constant = labelFlow({ features: 2, labelSize: 2, hidden: 2, steps: 1, epochs: 2, seed: 1 });
    await constant.fit(
      [
        [5, 5],
        [5, 5],
        [5, 5],
      ],
      VOTES,
    );
    const values = constant
      .predictProba([
        [5, 5],
        [6, 4],
      ])
      .dataSync();
    expect(values.every(Number.isFinite)).toBe(true);
    constant.dispose();
  });
});
