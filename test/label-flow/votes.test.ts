import { describe, expect, it } from 'vitest';
import { boundsTable } from '../../src/label-flow/bounds.js';
import { oneFeatureSignal } from '../../src/label-flow/one_feature_signal.js';
import { averageLabels, majorityLabels } from '../../src/label-flow/vote_labels.js';
import { errorBounds, voteSummary } from '../../src/label-flow/vote_summary.js';
import { readVotes, type Votes } from '../../src/label-flow/votes.js';
import breastCancer from '../fixtures/label-flow/tabular_breast_cancer.json' with { type: 'json' };
import { splitOf, type Table } from './tables.js';

const close = (received: ArrayLike<number>, expected: readonly number[]): void => {
  expect(received.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(received[i]).toBeCloseTo(value, 6);
  });
};

describe('voteSummary', () => {
  const votes: Votes = [
    [0, 0, -1],
    [1, 0, -1],
    [-1, -1, -1],
    [1, -1, 2],
  ];

  it('counts votes, meetings, contradictions and hits', () => {
    const [first, second, third] = voteSummary(votes, [0, 0, 1, -1]);
    expect(first).toEqual({ coverage: 0.75, overlap: 0.75, conflict: 0.5, accuracy: 0.5 });
    expect(second).toEqual({ coverage: 0.5, overlap: 0.5, conflict: 0.25, accuracy: 1 });
    expect(third).toEqual({ coverage: 0.25, overlap: 0.25, conflict: 0.25, accuracy: Number.NaN });
  });

  it('takes more rows than a function takes arguments', () => {
    const many: Votes = Array.from({ length: 200_000 }, (_, n) => [n % 2]);
    const labels = many.map(() => 1);
    expect(voteSummary(many, labels)[0]?.accuracy).toBe(0.5);
    expect(errorBounds(many, labels)).toEqual([[0.5, 0.5]]);
  });

  it('takes soft votes for the class they favour', () => {
    const soft = votes.map((row) =>
      row.map((vote) => (vote === -1 ? [-1] : [0, 1, 2].map((c) => (c === vote ? 0.6 : 0.2)))),
    );
    expect(voteSummary(soft)).toEqual(voteSummary(votes));
  });
});

describe('errorBounds', () => {
  it('are the expected errors on labelled rows where the signal votes', () => {
    const bounds = errorBounds(
      [
        [0, [0.9, 0.1]],
        [1, [-1]],
        [0, [0.2, 0.8]],
        [1, [0.5, 0.5]],
      ],
      [0, 0, 1, -1],
    );
    close(bounds[0] as number[], [2 / 3, 2 / 3]);
    close(bounds[1] as number[], [0.15, 0.15]);
  });

  it('bind nothing for a signal that is silent on the labelled rows, and take a margin up to 1', () => {
    expect(
      errorBounds(
        [
          [-1, 0],
          [1, 0],
        ],
        [0, -1],
        0.25,
      ),
    ).toEqual([
      [1, 1],
      [0.25, 0.25],
    ]);
    expect(errorBounds([[1]], [0], 0.25)).toEqual([[1, 1]]);
  });

  it('equal the recorded ones, of soft votes on a real table', () => {
    for (const { seed } of breastCancer.splits) {
      const { votes, bounds, train } = splitOf(breastCancer as Table, seed);
      errorBounds(votes, train.y).forEach((row, l) => {
        expect(row[1]).toBeCloseTo(bounds[l] as number, 5);
      });
    }
  });
});

describe('labels from votes', () => {
  const read = (votes: Votes, classes = 3) => readVotes('test', votes, classes);

  it('by majority: ties go by the prior, rows without votes have it', () => {
    const table = read([
      [0, 0, 1],
      [1, 2, -1],
      [-1, -1, -1],
    ]);
    close(majorityLabels(table, [0.2, 0.2, 0.6]), [1, 0, 0, 0, 0.25, 0.75, 0.2, 0.2, 0.6]);
    const impossible = read([[0, 1, -1]]);
    close(majorityLabels(impossible, [0, 0, 1]), [0.5, 0.5, 0]);
  });

  it('by average, of what does not abstain', () => {
    const table = read([
      [[0.5, 0.5, 0], 1, -1],
      [-1, -1, 2],
      [-1, -1, -1],
    ]);
    close(averageLabels(table, [0.5, 0.25, 0.25]), [0.25, 0.75, 0, 0, 0, 1, 0.5, 0.25, 0.25]);
  });

  it('bounds are given once, by signal, by class, or come from the contradictions', () => {
    const table = read(
      [
        [0, 1],
        [0, -1],
      ],
      2,
    );
    const labels = majorityLabels(table, [0.5, 0.5]);
    expect(boundsTable('test', table, 0.1, labels)).toEqual([
      [0.1, 0.1],
      [0.1, 0.1],
    ]);
    expect(boundsTable('test', table, [0.1, 0.2], labels)).toEqual([
      [0.1, 0.1],
      [0.2, 0.2],
    ]);
    expect(
      boundsTable(
        'test',
        table,
        [
          [0, 1],
          [0.5, 0.5],
        ],
        labels,
      ),
    ).toEqual([
      [0, 1],
      [0.5, 0.5],
    ]);
    expect(boundsTable('test', table, undefined, labels)).toEqual([
      [0.25, 0.25],
      [0.5, 0.5],
    ]);
    const silent = read([[0, -1]], 2);
    expect(boundsTable('test', silent, undefined, majorityLabels(silent, [0.5, 0.5]))[1]).toEqual([1, 1]);
  });
});

describe('oneFeatureSignal', () => {
  it.each(breastCancer.splits.map(({ seed }) => seed))(
    'equals the recorded logistic regressions of split %d',
    (seed) => {
      const { simulation } = splitOf(breastCancer as Table, seed);
      for (const { feature, coef, intercept } of breastCancer.splits[seed]?.signals ?? []) {
        const values = simulation.x.map((row) => row[feature] as number);
        const signal = oneFeatureSignal(values, simulation.y);
        expect(signal.coefficient).toBeCloseTo(coef, 3);
        expect(signal.intercept).toBeCloseTo(intercept, 3);
        const [vote] = signal.vote([1.5]);
        expect((vote?.[0] as number) + (vote?.[1] as number)).toBeCloseTo(1, 12);
      }
    },
  );

  it('stays finite where one value separates the classes, and for a constant feature', () => {
    for (const values of [
      [-1, -1, 1, 1],
      [0, 0, 0, 0],
    ]) {
      const signal = oneFeatureSignal(values, [0, 0, 1, 1]);
      expect(Number.isFinite(signal.coefficient) && Number.isFinite(signal.intercept)).toBe(true);
    }
  });
});
