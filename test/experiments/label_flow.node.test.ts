import * as tf from '@tensorflow/tfjs';
import { randomStream } from 'tfjs-llf';
import { describe, expect, it } from 'vitest';
import { chamfer, completionScores, directedHausdorff } from '../../experiments/label_flow/cloud_metrics.js';
import { type Cloud, cut, FAMILIES, shapeOf } from '../../experiments/label_flow/clouds.js';
import { CompletionModel } from '../../experiments/label_flow/completion_model.js';
import { imagesOf, tellingColumn } from '../../experiments/label_flow/image_pairs.js';
import { leastSquares, onLine } from '../../experiments/label_flow/least_squares.js';
import { cellRadii } from '../../experiments/label_flow/number_tables.js';
import { featuresOf, reviewSplit, vocabulary, votesOn, wordsOf } from '../../experiments/label_flow/reviews.js';
import { largestError } from '../cropr/golden.js';

describe('reviews', () => {
  it('are words, whose votes abstain where no rule speaks', () => {
    const words = wordsOf("It DOESN'T work -- a waste!");
    expect(words).toEqual(['it', "doesn't", 'work', 'a', 'waste']);
    // The last vote is AFINN's, to which "waste" is bad.
    expect(votesOn(words)).toEqual([-1, -1, -1, -1, -1, 0, 0, 0]);
    expect(votesOn(wordsOf('A great phone.'))).toEqual([1, -1, -1, -1, -1, -1, -1, 1]);
    expect(votesOn(wordsOf('The phone.')).every((vote) => vote === -1)).toBe(true);
  });

  it('become counts of the words that stand in most sentences', () => {
    const sentences = ['a good phone', 'a phone a phone', 'a case'].map(wordsOf);
    const known = vocabulary(sentences, 2);
    expect(known).toEqual(['a', 'phone']);
    expect(featuresOf(wordsOf('good phone'), known)).toEqual([0, 1, 3, 0]);
  });

  it('are split by the seed, without a row on both sides', () => {
    const { train, test, votes, testVotes } = reviewSplit('yelp', 1, 300, 20);
    expect([train.x.length, votes.length, test.x.length, testVotes.length]).toEqual([700, 700, 300, 300]);
    expect([...train.y, ...test.y].reduce((sum, label) => sum + label, 0)).toBe(500);
    expect(reviewSplit('yelp', 1, 300, 20).test).toEqual({ x: test.x, y: test.y });
    expect(reviewSplit('yelp', 2, 300, 20).test.y).not.toEqual(test.y);
  });
});

describe('pairs of images', () => {
  it('are of the two classes, scaled, with class numbers 0 and 1', () => {
    const pixels = new Uint8Array(6 * 784).map((_, i) => 10 * Math.floor(i / 784));
    const { x, y } = imagesOf({ pixels, labels: Uint8Array.of(3, 8, 1, 3, 8, 1) }, [8, 3], 3, 1);
    expect(y).toHaveLength(3);
    x.forEach((image, n) => {
      const index = Math.round(25.5 * (image[0] as number));
      expect(y[n]).toBe({ 0: 1, 1: 0, 3: 1, 4: 0 }[index]);
    });
  });

  it('differ most at the column that tells', () => {
    const dot = (column: number, ink: number): number[] =>
      Array.from({ length: 784 }, (_, i) => (i === 5 * 28 + column ? ink : 0));
    const images = { x: [dot(3, 0.5), dot(9, 0.4), dot(9, 0.3)], y: [0, 1, 1] };
    expect(tellingColumn(images, 5)).toBe(3);
    expect(tellingColumn({ x: images.x.slice(1), y: [0, 1] }, 5)).toBe(9);
  });
});

describe('numbers', () => {
  it('on a line are found on it', () => {
    const stream = randomStream(1, 'line');
    const x = Array.from({ length: 20 }, () => [stream.normal(), 100 * stream.normal()]);
    const y = x.map(([a = 0, b = 0]) => 3 * a - 0.2 * b + 7);
    const weights = leastSquares(x, y);
    expect(largestError(weights, [3, -0.2, 7])).toBeLessThan(1e-5);
    expect(largestError(onLine(x, weights), y)).toBeLessThan(1e-5);
  });

  it('of the table of cells are no feature of it', () => {
    const { x, y, rules } = cellRadii();
    expect([x.length, x[0]?.length, y.length]).toEqual([569, 7, 569]);
    expect(Math.max(...rules)).toBeLessThan(7);
    for (const [column] of x[0]?.entries() ?? []) expect(x.some((row, n) => row[column] !== y[n])).toBe(true);
  });
});

describe('shapes', () => {
  it.each(FAMILIES)('of the family %s repeat themselves, differ by index, and have longest side 1', (family) => {
    const shape = shapeOf(family, 60, 3);
    expect(shape).toHaveLength(60);
    expect(shapeOf(family, 60, 3)).toEqual(shape);
    expect(chamfer(shape, shapeOf(family, 60, 4))).toBeGreaterThan(0);
    const sides = [0, 1, 2].map((axis) => {
      const values = shape.map((point) => point[axis] as number);
      return Math.max(...values) - Math.min(...values);
    });
    expect(Math.max(...sides)).toBeCloseTo(1, 6);
  });

  it('are cut: what is left is part of them, on one side of a plane', () => {
    const shape = shapeOf('chair', 50, 1);
    const part = cut(shape, 0.6, 1);
    expect(part).toHaveLength(30);
    expect(directedHausdorff(part, shape)).toBe(0);
    expect(directedHausdorff(shape, part)).toBeGreaterThan(0);
  });

  it('are measured: nothing to oneself, both ways, the remotest point', () => {
    const [a, b]: [Cloud, Cloud] = [
      [[0, 0, 0]],
      [
        [1, 0, 0],
        [0, 2, 0],
      ],
    ];
    expect(chamfer(a, a)).toBe(0);
    expect(chamfer(a, b)).toBe(1 + (1 + 4) / 2);
    expect([directedHausdorff(a, b), directedHausdorff(b, a)]).toEqual([1, 2]);
    // Two completions of one partial shape: the better counts for the real one, both for the variety.
    expect(completionScores([a], [[a, b]], [b])).toEqual({ mmd: 0, tmd: 2 * 3.5, uhd: 0.5 });
  });

  it('are completed by a flow that comes nearer to them, and leaves nothing behind', () => {
    const shapes = Array.from({ length: 4 }, (_, i) => shapeOf('table', 16, i));
    const partial = shapes.map((shape, i) => cut(shape, 0.5, i));
    const size = { points: 16, steps: 1, hidden: 4, code: 4, noise: 2, batch: 4, rate: 0.01 };
    const { numTensors } = tf.memory();
    const uhd = (updates: number, adversary: number): number => {
      const model = new CompletionModel({ seed: 1, updates, ...size, likelihood: 0, adversary, distance: 10 });
      model.fit(partial, shapes);
      const completions = model.complete(partial, 2);
      expect(completions.map((own) => own.map((one) => one.length))).toEqual(partial.map(() => [16, 16]));
      model.dispose();
      return completionScores(partial, completions, shapes).uhd;
    };
    expect(uhd(50, 0)).toBeLessThan(0.9 * uhd(0, 0));
    expect(Number.isFinite(uhd(2, 1))).toBe(true);
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});
