import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeOn, expectSame, numbers, withAcceleration } from './both_backends.js';

withAcceleration();

function topk(values: Float32Array, shape: number[], k: number): tf.Tensor[] {
  const { values: best, indices } = tf.topk(tf.tensor(values, shape), k);
  return [best, indices];
}

/** Not by a difference, as cpu has it: that of two infinities is no number. */
function compare(row: Float32Array, a: number, b: number): number {
  const [first = 0, second = 0] = [row[a], row[b]];
  return first === second ? a - b : first > second ? -1 : 1;
}

describe('TopK', () => {
  it('ranks by value, then by place, zeros of both signs, denormals and infinities too', () => {
    const few = fc.constantFrom(0, -0, 1, -1, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-40, -3e38);
    const value = fc.oneof(few, fc.float({ noNaN: true }));
    const rows = fc
      .integer({ min: 1, max: 60 })
      .chain((columns) =>
        fc.tuple(
          fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 3 }),
          fc.nat({ max: columns }),
        ),
      );
    fc.assert(
      fc.property(rows, ([rows, k]) => {
        const floats = rows.map((row) => Float32Array.from(row));
        const ranks = floats.flatMap((row) => [...row.keys()].sort((a, b) => compare(row, a, b)).slice(0, k));
        const x = Float32Array.from(floats.flatMap((row) => [...row]));
        const columns = rows[0]?.length ?? 0;
        const [values, indices] = computeOn('wasm', () => topk(x, [rows.length, columns], k));
        expect(indices).toEqual({ shape: [rows.length, k], dtype: 'int32', values: ranks });
        expect(values?.values).toEqual(ranks.map((rank, i) => floats[Math.floor(i / k)]?.[rank]));
      }),
      { numRuns: 400 },
    );
  });

  it('ranks long rows', () => {
    for (const [rows, columns] of [
      [8, 197],
      [2, 5000],
    ] as const) {
      const x = numbers(rows * columns, columns).map((value) => Math.round(value * 300));
      for (const k of [1, 10, 17, 98, columns]) expectSame(() => topk(x, [rows, columns], k));
    }
  });

  it('takes any rank, and no columns at all', () => {
    expectSame(() => topk(numbers(24, 1), [2, 3, 4], 3));
    expectSame(() => topk(numbers(7, 1), [7], 7));
    expectSame(() => topk(numbers(12, 1), [3, 4], 0));
  });

  it('leaves rows with NaN, and int32, to stock', () => {
    const [values] = computeOn('wasm', () => topk(Float32Array.from([1, Number.NaN, 3, 2]), [1, 4], 4));
    expect(values?.values.filter(Number.isNaN)).toHaveLength(1);
    expectSame(() => tf.topk(tf.tensor([[5, 1, 9, 9]], [1, 4], 'int32'), 3).indices);
  });
});
