import { argumentError } from '../core/checks.js';
import { distance } from '../core/layer_selection.js';

/** Options of {@link topographicSimilarity}. */
export interface TopographicSimilarityOptions {
  /**
   * Which pairs count: all ordered ones, those of an object with itself included, as the authors' code has it
   * (`'all'`), or each two different objects once (`'distinct'`). The former flatters. Default `'all'`.
   */
  pairs?: 'all' | 'distinct';
}

const cosine = (a: readonly number[], b: readonly number[]): number => {
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

/** Ranks from 1; equal values share the mean of theirs. */
function ranks(values: readonly number[]): Float64Array {
  const order = Array.from(values.keys()).sort((a, b) => (values[a] as number) - (values[b] as number));
  const result = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    const value = values[order[start] as number] as number;
    // Cosines of equal pairs differ in the last digits.
    while (end < order.length && (values[order[end] as number] as number) - value < 1e-12) end++;
    for (let i = start; i < end; i++) result[order[i] as number] = (start + 1 + end) / 2;
    start = end;
  }
  return result;
}

function correlation(a: Float64Array, b: Float64Array): number {
  const [meanA, meanB] = [a, b].map((list) => list.reduce((sum, x) => sum + x, 0) / list.length) as [number, number];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [(a[i] as number) - meanA, (b[i] as number) - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}

/**
 * How compositional a language is: whether like objects have like messages. The negative Spearman correlation of the
 * messages' edit distance and the objects' cosine similarity, over pairs of objects.
 *
 * Takes N messages (lists of symbols) and N objects (vectors), plain numbers; returns a number in [-1, 1], 1 for a
 * perfectly compositional language, NaN if all messages are equal.
 *
 * Source: Brighton and Kirby (2006), as in the language game of Zhou et al., "Fortuitous Forgetting" (2022).
 *
 * @throws If the numbers of messages and objects differ.
 *
 * @example
 * ```ts
 * import { topographicSimilarity } from 'tfjs-llf';
 *
 * const objects = [[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]];
 * console.log(topographicSimilarity([[0, 0], [0, 1], [1, 0], [1, 1]], objects)); // 1
 * ```
 */
export function topographicSimilarity(
  messages: readonly (readonly number[])[],
  objects: readonly (readonly number[])[],
  { pairs = 'all' }: TopographicSimilarityOptions = {},
): number {
  const count = objects.length;
  if (messages.length !== count) {
    throw argumentError('topographicSimilarity', 'messages', `${count}, one for each object`, messages.length);
  }
  const [distances, similarities]: [number[], number[]] = [[], []];
  for (let i = 0; i < count; i++) {
    for (let j = pairs === 'all' ? 0 : i + 1; j < count; j++) {
      distances.push(distance(messages[i] as number[], messages[j] as number[]));
      similarities.push(cosine(objects[i] as number[], objects[j] as number[]));
    }
  }
  return -correlation(ranks(distances), ranks(similarities));
}
