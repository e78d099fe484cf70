/** What rules of thumb say about reviews. */
import { describe, expect, it } from 'vitest';
import {
  accuracyOf,
  FIRST_RULES,
  factsOf,
  featuresOf,
  loadReviews,
  majorityOf,
  reliabilityOf,
  SETS,
  vocabularyOf,
  voteOf,
  votesOn,
  wordsOf,
} from '../../examples/web/labels/reviews.js';

const review = (text: string, truth: number) => ({ text, words: wordsOf(text), mood: [0, 0] as const, truth });

describe('a rule', () => {
  it('votes where one of its words stands, whole and in any case', () => {
    const rule = { vote: 1, words: 'Good, nice' } as const;
    expect(['A GOOD one!', 'goods', 'not nice.', ''].map((text) => voteOf(rule, wordsOf(text)))).toEqual([
      1, -1, 1, -1,
    ]);
  });

  it('takes a star for any end of a word', () => {
    const rule = { vote: 0, words: 'disappoint*' } as const;
    expect(['disappointed', 'no disappointment', 'appoint'].map((text) => voteOf(rule, wordsOf(text)))).toEqual([
      0, 0, -1,
    ]);
  });

  it('without words never votes', () => {
    expect(['', ' ', ',', '*'].map((words) => voteOf({ vote: 1, words }, ['word']))).toEqual([-1, -1, -1, -1]);
  });
});

it('a majority is what more than half of the votes say', () => {
  expect([[1, 1, 0], [0, -1, 0], [1, 0], [-1, -1], []].map(majorityOf)).toEqual([1, 0, -1, -1, -1]);
});

it('facts are shares of all reviews, and of those a rule votes on', () => {
  const votes = [
    [1, -1],
    [1, 0],
    [-1, 0],
    [-1, -1],
  ];
  const [first, second] = factsOf(votes, [1, 0, 0, 1]);
  expect(first).toEqual({ coverage: 0.5, conflict: 0.5, right: 0.5 });
  expect(second).toEqual({ coverage: 0.5, conflict: 0.5, right: 1 });
  expect(factsOf([[-1]], [1])[0]?.right).toBeNaN();
  expect(accuracyOf([1, -1], [1, 0])).toBe(0.75);
});

it('a vocabulary counts reviews, not words', () => {
  const reviews = [review('b b b a', 1), review('a c', 0)];
  expect(vocabularyOf(reviews, 2)).toEqual(['a', 'b']);
  expect(featuresOf(reviews, ['a', 'b'])).toEqual([
    [1, 1],
    [1, 0],
  ]);
});

it('the word list votes by the larger sum, and its sums are features', () => {
  const reviews = [
    [3, 1],
    [0, 2],
    [2, 2],
  ].map(([praise = 0, blame = 0]) => ({
    ...review('a', 1),
    mood: [praise, blame] as const,
  }));
  expect(votesOn([], reviews, true)).toEqual([[1], [0], [-1]]);
  expect(votesOn([], reviews)).toEqual([[], [], []]);
  expect(featuresOf(reviews, ['a'], true)).toEqual([
    [1, 3, 1],
    [1, 0, 2],
    [1, 2, 2],
  ]);
});

it('reliability puts each review in one bin', () => {
  const bins = reliabilityOf([0, 0.04, 0.05, 0.09, 0.01, 0.95, 1], [0, 0, 0, 1, 0, 1, 1], 10);
  expect(bins.map(({ count }) => count)).toEqual([5, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
  expect(bins[0]?.praise).toBeCloseTo(0.2, 12);
  expect(bins[9]?.praise).toBeNull();
});

it.each(SETS)('the first rules are right on most of what they say about %s', async (name) => {
  const reviews = await loadReviews(name);
  expect(reviews).toHaveLength(1000);
  const facts = factsOf(
    votesOn(FIRST_RULES, reviews, true),
    reviews.map(({ truth }) => truth),
  );
  for (const { coverage, right } of facts) {
    expect(coverage).toBeGreaterThan(0);
    expect(right).toBeGreaterThan(0.5);
  }
});
