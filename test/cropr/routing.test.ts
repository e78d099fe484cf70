import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LastLayerFusion } from '../../src/cropr/last_layer_fusion_layer.js';
import { fuseTokens, joinTokens, rankTokens, routeTokens, splitTokens } from '../../src/cropr/routing.js';
import { pruningRates, tokenCounts } from '../../src/cropr/schedule.js';
import { crossAttentionLogits, foldedScores, foldQueries, scoresOf } from '../../src/cropr/scoring.js';
import { takeTokens } from '../../src/ops/gather_tokens.js';
import { normal } from '../core/models.js';
import schedules from '../fixtures/cropr/schedules.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';
import { largestError } from './golden.js';

/** Scores `[batch][tokens]` with many ties, large and small numbers, infinities. */
const score = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const scoreTable = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 12 }))
  .chain(([batch, count]) =>
    fc.array(fc.array(score, { minLength: count, maxLength: count }), { minLength: batch, maxLength: batch }),
  );

function ranked(scores: number[][], classToken: boolean): number[][] {
  return tf.tidy(() => {
    const order = rankTokens(tf.tensor2d(scores), classToken);
    expect(order.dtype).toBe('int32');
    return order.arraySync() as number[][];
  });
}

/** Tokens `[batch, count, 2]` that tell their image and place. */
function labelled(batch: number, count: number): tf.Tensor3D {
  const image = tf.tile(tf.reshape(tf.range(0, batch), [batch, 1]), [1, count]);
  const place = tf.tile(tf.reshape(tf.range(0, count), [1, count]), [batch, 1]);
  return tf.stack([image, place], 2) as tf.Tensor3D;
}

onEachBackend((backend) => {
  /** Fewer where each operation is slow. */
  const runs = (count: number): number => (backend === 'webgl' ? Math.ceil(count / 4) : count);

  describe('rankTokens', () => {
    it('gives permutations by falling score, ties in the order of the tokens, a class token first', () => {
      fc.assert(
        fc.property(scoreTable, fc.boolean(), (scores, classToken) => {
          const expected = scores.map((row) => {
            const patches = row.map((_, i) => i).slice(classToken ? 1 : 0);
            const value = (i: number): number => Math.fround(row[i] as number);
            patches.sort((a, b) => (value(a) === value(b) ? a - b : value(b) > value(a) ? 1 : -1));
            return classToken ? [0, ...patches] : patches;
          });
          expect(ranked(scores, classToken)).toEqual(expected);
        }),
        { numRuns: runs(60) },
      );
    });

    it('ranks the recorded ties as the authors’ code', () => {
      const scores = schedules.ties.scores.map((row) => row.map(Number).map((x) => (Number.isNaN(x) ? Infinity : x)));
      expect(ranked(scores, true)).toEqual(schedules.ties.torch_argsort_descending_stable_true);
      expect(ranked(scores, false)).toEqual(schedules.ties.torch_argsort_descending_stable_true);
    });

    it('lets no gradient into the ranking', () => {
      tf.tidy(() => {
        const scores = normal(1, 'scores', [2, 5]);
        const gradient = tf.grad((x) => {
          const { kept } = routeTokens(tf.ones([2, 5, 1]), rankTokens(x, true), 3);
          return tf.add(tf.sum(kept), tf.mul(tf.sum(x), 0));
        })(scores);
        expect(Array.from(gradient.dataSync()).every((value) => value === 0)).toBe(true);
      });
    });
  });

  describe('routeTokens', () => {
    it('parts the tokens of each image: all of them, once each, the best ones kept', () => {
      fc.assert(
        fc.property(scoreTable, fc.boolean(), fc.nat(), (scores, classToken, draw) => {
          const [batch, count] = [scores.length, (scores[0] as number[]).length];
          const keep = 1 + (draw % count);
          tf.tidy(() => {
            const order = rankTokens(tf.tensor2d(scores), classToken);
            const { kept, pruned } = routeTokens(labelled(batch, count), order, keep);
            expect([kept.shape, pruned.shape]).toEqual([
              [batch, keep, 2],
              [batch, count - keep, 2],
            ]);
            const all = joinTokens([kept, pruned]).arraySync() as number[][][];
            all.forEach((sorted, image) => {
              expect(sorted.every((token) => token[0] === image)).toBe(true);
              const places = sorted.map((token) => token[1] as number);
              expect([...places].sort((a, b) => a - b)).toEqual(places.map((_, i) => i));
              if (classToken) expect(places[0]).toBe(0);
              const value = (i: number): number => Math.fround(scores[image]?.[i] as number);
              const weakest = Math.min(...places.slice(classToken ? 1 : 0, keep).map(value));
              for (const place of places.slice(keep)) expect(value(place)).toBeLessThanOrEqual(weakest);
            });
          });
        }),
        { numRuns: runs(60) },
      );
    });

    it('sends each token the gradient of the place it went to', () => {
      tf.tidy(() => {
        const order = tf.tensor2d([[0, 3, 1, 2]], [1, 4], 'int32');
        const gradient = tf.grad((x) => {
          const { kept, pruned } = routeTokens(x, order, 3);
          return tf.add(tf.sum(tf.mul(kept, tf.tensor3d([[[1], [2], [3]]]))), tf.mul(tf.sum(pruned), 4));
        })(tf.ones([1, 4, 1]));
        expect(Array.from(gradient.dataSync())).toEqual([1, 3, 4, 2]);
      });
    });
  });

  describe('fusion', () => {
    it('that restores the order undoes any chain of routers, bit for bit', () => {
      fc.assert(
        fc.property(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }), fc.nat(), (rates, seed) => {
          tf.tidy(() => {
            const tokens = normal(seed, 'tokens', [2, 11, 3]);
            const parts: tf.Tensor[] = [];
            const ids: tf.Tensor[] = [];
            let rest = { tokens, ids: tf.tile(tf.range(0, 11, 1, 'int32').expandDims(0), [2, 1]) as tf.Tensor };
            rates.forEach((rate, module) => {
              const keep = (rest.tokens.shape[1] as number) - rate;
              const order = rankTokens(normal(seed, `scores ${module}`, [2, keep + rate]), true);
              const route = routeTokens(rest.tokens, order, keep);
              const routeIds = splitTokens(takeTokens(rest.ids, order), keep);
              parts.push(route.pruned);
              ids.push(routeIds.pruned);
              rest = { tokens: route.kept, ids: routeIds.kept };
            });
            const layer = new LastLayerFusion({ restoreOrder: true });
            const restored = layer.apply([rest.tokens, ...parts, rest.ids, ...ids]) as tf.Tensor;
            expect(restored.arraySync()).toEqual(tokens.arraySync());
            const unordered = fuseTokens([rest.tokens, ...parts]);
            expect(unordered.shape).toEqual(tokens.shape);
            expect(Array.from(unordered.dataSync()).sort()).toEqual(Array.from(tokens.dataSync()).sort());
          });
        }),
        { numRuns: runs(25) },
      );
    });
  });

  describe('the folded query', () => {
    it('scores as all queries and heads together, projected or not', () => {
      fc.assert(
        fc.property(
          fc.constantFrom(1, 2, 4),
          fc.integer({ min: 1, max: 5 }),
          fc.boolean(),
          fc.boolean(),
          fc.nat(),
          (heads, count, projectsQueries, projectsKeys, seed) => {
            tf.tidy(() => {
              const scorer = {
                heads,
                queries: normal(seed, 'queries', [count, 8]),
                queryKernel: projectsQueries ? normal(seed, 'queryKernel', [8, 8]) : undefined,
                keyKernel: projectsKeys ? normal(seed, 'keyKernel', [8, 8]) : undefined,
              };
              const tokens = normal(seed, 'tokens', [2, 6, 8]);
              const logits = crossAttentionLogits(tokens, scorer);
              expect(logits.shape).toEqual([2, heads, count, 6]);
              const full = scoresOf(logits).dataSync();
              const folded = foldedScores(tokens, foldQueries(scorer)).dataSync();
              expect(folded).toHaveLength(12);
              // Sums of up to 5 * 8 * 8 * 8 products of normal numbers, in another order.
              expect(largestError(folded, full)).toBeLessThanOrEqual(1e-5 * Math.max(1, ...full.map(Math.abs)));
            });
          },
        ),
        { numRuns: runs(25) },
      );
    });
  });
});

describe('tokenCounts', () => {
  it('takes each rate off what the rates before have left', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.array(fc.nat({ max: 60 })), (tokens, rates) => {
        const counts = tokenCounts(tokens, rates);
        expect(counts).toHaveLength(rates.length);
        counts.forEach((count, i) => {
          const gone = rates.slice(0, i + 1).reduce((sum, rate) => sum + rate, 0);
          expect(count + gone).toBe(tokens);
        });
      }),
    );
  });

  it('with one rate for all modules: one more in the first', () => {
    fc.assert(
      fc.property(fc.nat({ max: 60 }), fc.integer({ min: 1, max: 30 }), (rate, modules) => {
        expect(tokenCounts(5000, pruningRates(rate, modules)).at(-1)).toBe(5000 - 1 - rate * modules);
      }),
    );
  });
});
