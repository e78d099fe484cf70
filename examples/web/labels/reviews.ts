/** Real reviews, and what rules of thumb say about them. Plain numbers, no tensors. */

/** The sets of "Sentiment Labelled Sentences" (UCI), as the npm package `sentiment` (MIT) brings them. */
export const SETS = [
  ['yelp', 'Restaurants'],
  ['amazon', 'Things'],
  ['imdb', 'Films'],
] as const;

export type SetName = (typeof SETS)[number][0];

/** One review of a sentence or two. */
export interface Review {
  text: string;
  /** Lower-case words. */
  words: string[];
  /** What the word list AFINN says for it and against it: sums of the scores above 0 and below. */
  mood: readonly [praise: number, blame: number];
  /** The hidden truth: 1 for praise, 0 for blame. */
  truth: number;
}

const files = {
  yelp: () => import('sentiment/test/fixtures/yelp.json'),
  amazon: () => import('sentiment/test/fixtures/amazon.json'),
  imdb: () => import('sentiment/test/fixtures/imdb.json'),
};

/** Lower-case words; an apostrophe belongs to its word. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+(?:'[a-z]+)*/g) ?? [];
}

type Scores = Readonly<Record<string, number>>;

function moodOf(words: readonly string[], scores: Scores): [praise: number, blame: number] {
  const sum = (sign: number): number => words.reduce((all, word) => all + Math.max(0, sign * (scores[word] ?? 0)), 0);
  return [sum(1), sum(-1)];
}

/** All reviews of a set. The last element of each file is empty, its class null. */
export async function loadReviews(name: SetName): Promise<Review[]> {
  const [{ default: all }, { default: scores }] = (await Promise.all([
    files[name](),
    import('sentiment/languages/en/labels.json'),
  ])) as [{ default: readonly { text: string; class: number | null }[] }, { default: Scores }];
  return all.flatMap(({ text, class: truth }) => {
    const words = wordsOf(text);
    return truth === null ? [] : [{ text, words, mood: moodOf(words, scores), truth }];
  });
}

/** A rule: whoever finds one of its words votes, else abstains. */
export interface Rule {
  vote: 0 | 1;
  /** As the user wrote them: words apart by spaces or commas; one that ends in `*` stands for all that begin so. */
  words: string;
}

export const FIRST_RULES: readonly Rule[] = [
  { vote: 1, words: 'good great excellent nice' },
  { vote: 1, words: 'love* enjoy*' },
  { vote: 1, words: 'best perfect amazing awesome wonderful fantastic' },
  { vote: 1, words: 'recommend happy pleased well works' },
  { vote: 0, words: 'bad poor terrible awful horrible worst' },
  { vote: 0, words: 'disappoint* waste* avoid sucks stupid' },
  { vote: 0, words: "not no never don't didn't doesn't won't can't isn't wasn't" },
];

/** The vote of a rule on a review: its class, or -1. */
export function voteOf({ vote, words }: Rule, review: readonly string[]): number {
  const wanted = words.toLowerCase().split(/[\s,]+/);
  const isFound = wanted.some((one) => {
    if (one === '' || one === '*') return false;
    return one.endsWith('*') ? review.some((word) => word.startsWith(one.slice(0, -1))) : review.includes(one);
  });
  return isFound ? vote : -1;
}

/** Votes of all rules on all reviews: `[reviews][rules]`; the word list as one more, if it is asked. */
export function votesOn(rules: readonly Rule[], reviews: readonly Review[], asksList = false): number[][] {
  return reviews.map(({ words, mood: [praise, blame] }) => {
    const own = rules.map((rule) => voteOf(rule, words));
    return asksList ? [...own, praise === blame ? -1 : Number(praise > blame)] : own;
  });
}

/** What more than half of the votes on a review say: a class, or -1 for none or a tie. */
export function majorityOf(votes: readonly number[]): number {
  const balance = votes.reduce((sum, vote) => sum + (vote < 0 ? 0 : 2 * vote - 1), 0);
  return balance === 0 ? -1 : Number(balance > 0);
}

export const hasVote = (votes: readonly number[]): boolean => votes.some((vote) => vote >= 0);
export const isContested = (votes: readonly number[]): boolean => votes.includes(0) && votes.includes(1);

/** Shares of reviews, of one rule. */
export interface RuleFacts {
  /** On which it votes. */
  coverage: number;
  /** Of those it votes on: where another rule votes otherwise. */
  conflict: number;
  /** Of those it votes on: where it is right. */
  right: number;
}

/** Facts of each rule. Shares of nothing are NaN. */
export function factsOf(votes: readonly (readonly number[])[], truth: readonly number[]): RuleFacts[] {
  const rules = votes[0]?.length ?? 0;
  return Array.from({ length: rules }, (_, rule) => {
    const own = [...votes.keys()].filter((n) => (votes[n]?.[rule] ?? -1) >= 0);
    const share = (test: (n: number) => boolean): number => own.filter(test).length / own.length;
    return {
      coverage: own.length / votes.length,
      conflict: share((n) => isContested(votes[n] ?? [])),
      right: share((n) => votes[n]?.[rule] === truth[n]),
    };
  });
}

/** Share of rows that are right, a row without an answer counting half. */
export function accuracyOf(answers: readonly number[], truth: readonly number[]): number {
  const right = answers.map((answer, n) => (answer < 0 ? 0.5 : Number(answer === truth[n])));
  return right.reduce((sum, one) => sum + one, 0) / right.length;
}

/** The words that stand in most reviews; of those in as many the first of the alphabet. */
export function vocabularyOf(reviews: readonly Review[], size: number): string[] {
  const counts = new Map<string, number>();
  for (const { words } of reviews) for (const word of new Set(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const ranked = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return ranked.slice(0, size).map(([word]) => word);
}

/** For each review and word 1 if it stands there, else 0; then the sums of the word list, if it is asked. */
export function featuresOf(reviews: readonly Review[], known: readonly string[], asksList = false): number[][] {
  return reviews.map(({ words, mood }) => [
    ...known.map((word) => Number(words.includes(word))),
    ...(asksList ? mood : []),
  ]);
}

/** Shares of praise by probability: of each of some bins the mean truth, null where fewer than five reviews are in it. */
export function reliabilityOf(
  probabilities: ArrayLike<number>,
  truth: readonly number[],
  bins: number,
): { middle: number; praise: number | null; count: number }[] {
  const rows = Array.from({ length: bins }, (_, bin) => ({ middle: (bin + 0.5) / bins, sum: 0, count: 0 }));
  truth.forEach((label, n) => {
    const row = rows[Math.min(bins - 1, Math.floor((probabilities[n] ?? 0) * bins))];
    if (!row) return;
    row.sum += label;
    row.count += 1;
  });
  return rows.map(({ middle, sum, count }) => ({ middle, count, praise: count < 5 ? null : sum / count }));
}
