/** Short reviews of films, things and restaurants as bags of words, and rules of thumb about their mood. */
import { createRequire } from 'node:module';
import { randomStream } from 'tfjs-llf';

/** A sentence; 1 for praise, 0 for blame. The last element of each file is empty, its class null. */
interface Review {
  text: string;
  class: number | null;
}

/** Three times 1,000 sentences ("Sentiment Labelled Sentences" of UCI), half of each praise. */
export const REVIEWS = ['amazon', 'imdb', 'yelp'] as const;

/** Reads a JSON file of the npm package `sentiment` (MIT). */
const load = <T>(path: string): T => createRequire(import.meta.url)(`sentiment/${path}`) as T;

/** Lower-case words; an apostrophe belongs to its word. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]+(?:'[a-z]+)*/g) ?? [];
}

/** Whoever finds one of these words votes for the class, else abstains. Written down before any label was looked at. */
const KEYWORDS: readonly (readonly [vote: number, words: string])[] = [
  [1, 'good great excellent nice'],
  [1, 'love loved loves enjoy enjoyed'],
  [1, 'best perfect amazing awesome wonderful fantastic'],
  [1, 'recommend happy pleased well works'],
  [0, 'bad poor terrible awful horrible worst'],
  [0, 'disappointed disappointing disappointment waste wasted avoid sucks stupid'],
  [0, "not no never don't didn't doesn't won't can't isn't wasn't"],
];

const SCORES = load<Readonly<Record<string, number>>>('languages/en/labels.json');

/** What the word list AFINN says for and against a sentence: sums of the scores above 0 and below. */
function mood(words: readonly string[]): [praise: number, blame: number] {
  const scores = words.map((word) => SCORES[word] ?? 0);
  const sum = (sign: number): number => scores.reduce((total, score) => total + Math.max(0, sign * score), 0);
  return [sum(1), sum(-1)];
}

/** Votes of all rules on a sentence: of the keywords, and of AFINN by which sum is larger. */
export function votesOn(words: readonly string[]): number[] {
  const [praise, blame] = mood(words);
  const found = KEYWORDS.map(([vote, list]) => (list.split(' ').some((word) => words.includes(word)) ? vote : -1));
  return [...found, praise === blame ? -1 : Number(praise > blame)];
}

/** The words that stand in most sentences, at most so many; of those in as many sentences the first of the alphabet. */
export function vocabulary(sentences: readonly (readonly string[])[], size: number): string[] {
  const counts = new Map<string, number>();
  for (const words of sentences) for (const word of new Set(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const ranked = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return ranked.slice(0, size).map(([word]) => word);
}

/** For each word of the vocabulary 1 if it stands in the sentence, else 0; then the two sums of AFINN. */
export function featuresOf(words: readonly string[], known: readonly string[]): number[] {
  return [...known.map((word) => Number(words.includes(word))), ...mood(words)];
}

/** A split of one set by the seed: rows to train with and for the test, and the votes on both. */
export function reviewSplit(name: (typeof REVIEWS)[number], seed: number, testRows: number, size: number) {
  const all = load<readonly Review[]>(`test/fixtures/${name}.json`).filter((review) => review.class !== null);
  const order = [...randomStream(seed, `reviews of ${name}`).permutation(all.length)];
  const shuffled = order.map((n) => all[n] as Review);
  const words = shuffled.map(({ text }) => wordsOf(text));
  const labels = shuffled.map((review) => review.class as number);
  const known = vocabulary(words.slice(testRows), size);
  const part = (begin: number, end: number) => ({
    x: words.slice(begin, end).map((sentence) => featuresOf(sentence, known)),
    y: labels.slice(begin, end),
  });
  return {
    train: part(testRows, all.length),
    test: part(0, testRows),
    votes: words.slice(testRows).map(votesOn),
    testVotes: words.slice(0, testRows).map(votesOn),
  };
}
