import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchTokens, mergeTokens } from '../../src/cropr/token_merging.js';
import { normal } from '../core/models.js';
import { onEachBackend } from '../setup/backends.js';
import { largestError } from './golden.js';

interface Merge {
  count: number;
  merge: number;
  classToken: boolean;
  seed: number;
}

/** Every number of tokens that can be merged away. */
const merges: fc.Arbitrary<Merge> = fc
  .record({ count: fc.integer({ min: 4, max: 11 }), classToken: fc.boolean(), seed: fc.nat() })
  .chain((one) =>
    fc
      .integer({ min: 1, max: Math.ceil(one.count / 2) - (one.classToken ? 1 : 0) })
      .map((merge) => ({ ...one, merge })),
  );

/** The rule in plain numbers: which even token goes into which odd one. */
function partners(keys: number[][], { merge, classToken }: Merge): Map<number, number> {
  const norm = (a: number[]): number => Math.sqrt(a.reduce((sum, value) => sum + value * value, 0));
  const cosine = (a: number[], b: number[]): number =>
    a.reduce((sum, value, i) => sum + value * (b[i] as number), 0) / (norm(a) * norm(b));
  const pairs = keys.flatMap((key, even) => {
    if (even % 2 === 1 || (classToken && even === 0)) return [];
    const best = keys
      .map((other, odd) => ({ even, odd, similarity: odd % 2 === 1 ? cosine(key, other) : -2 }))
      .sort((a, b) => b.similarity - a.similarity)[0];
    return best ? [best] : [];
  });
  pairs.sort((a, b) => b.similarity - a.similarity);
  return new Map(pairs.slice(0, merge).map(({ even, odd }) => [even, odd]));
}

function rows(x: tf.Tensor): number[][] {
  return (x.arraySync() as number[][][])[0] as number[][];
}

interface Merged {
  tokens: number[][];
  sizes: number[];
}

/** Merges the tokens of one image, `sizes` given. */
function merged(
  seed: number,
  sizes: readonly number[],
  rule: Merge,
): Merged & { before: number[][]; keys: number[][] } {
  return tf.tidy(() => {
    const x = normal(seed, 'tokens', [1, rule.count, 3]);
    const keys = normal(seed, 'keys', [1, rule.count, 4]);
    const result = mergeTokens(x, tf.tensor2d([[...sizes]]), matchTokens(keys, rule.merge, rule.classToken));
    expect(result.tokens.shape).toEqual([1, rule.count - rule.merge, 3]);
    const left = (result.sizes.arraySync() as number[][])[0] as number[];
    return { tokens: rows(result.tokens), sizes: left, before: rows(x), keys: rows(keys) };
  }) as unknown as Merged & { before: number[][]; keys: number[][] };
}

onEachBackend((backend) => {
  /** Fewer where each operation is slow. */
  const runs = (count: number): number => (backend === 'webgl' ? Math.ceil(count / 4) : count);

  describe('merging', () => {
    it('joins the most similar even and odd tokens into means weighted by size', () => {
      fc.assert(
        fc.property(merges, (rule) => {
          const sizes = Array.from({ length: rule.count }, (_, i) => 1 + ((rule.seed + i) % 3));
          const { tokens, sizes: left, before, keys } = merged(rule.seed, sizes, rule);
          const gone = partners(keys, rule);
          const expected = before.flatMap((_, place) => {
            if (gone.has(place)) return [];
            const members = [place, ...[...gone].filter(([, odd]) => odd === place).map(([even]) => even)];
            const size = members.reduce((sum, i) => sum + (sizes[i] as number), 0);
            const mean = [0, 1, 2].map(
              (d) => members.reduce((sum, i) => sum + (sizes[i] as number) * (before[i]?.[d] as number), 0) / size,
            );
            return [[size, ...mean]];
          });
          const received = tokens.map((token, i) => [left[i] as number, ...token]);
          // The order among the rest is free: what follows treats tokens as a set.
          const ranked = (list: number[][]): number[][] =>
            [...list].sort((a, b) => (a[1] as number) - (b[1] as number));
          expect(received).toHaveLength(expected.length);
          expect(largestError(ranked(received).flat(), ranked(expected).flat())).toBeLessThanOrEqual(1e-5);
          if (rule.classToken)
            expect(largestError(tokens[0] as number[], before[0] as number[])).toBeLessThanOrEqual(1e-6);
        }),
        { numRuns: runs(40) },
      );
    });

    it('keeps the number of patches and the sum of all tokens, each counted by its size', () => {
      fc.assert(
        fc.property(merges, (rule) => {
          const sizes = Array.from({ length: rule.count }, (_, i) => 1 + ((rule.seed + i) % 4));
          const { tokens, sizes: left, before } = merged(rule.seed, sizes, rule);
          const total = (list: number[][], by: readonly number[], d: number): number =>
            list.reduce((sum, token, i) => sum + (by[i] as number) * (token[d] as number), 0);
          expect(left.reduce((sum, size) => sum + size, 0)).toBeCloseTo(
            sizes.reduce((sum, size) => sum + size, 0),
            4,
          );
          for (const d of [0, 1, 2]) expect(total(tokens, left, d)).toBeCloseTo(total(before, sizes, d), 4);
        }),
        { numRuns: runs(25) },
      );
    });

    it('treats each image by itself', () => {
      tf.tidy(() => {
        const [x, keys] = [normal(1, 'tokens', [3, 8, 3]), normal(1, 'keys', [3, 8, 4])];
        const run = (from: number, count: number): tf.Tensor => {
          const match = matchTokens(tf.slice(keys, from, count), 3, true);
          return mergeTokens(tf.slice(x, from, count), tf.ones([count, 8]), match).tokens;
        };
        const alone = tf.concat([run(0, 1), run(1, 1), run(2, 1)]).dataSync();
        expect(largestError(run(0, 3).dataSync(), alone)).toBeLessThanOrEqual(1e-6);
      });
    });
  });
});
