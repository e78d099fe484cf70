import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rotaryTable, rotateQueriesAndKeys, tableTensor } from '../../src/cropr-dense/rotary.js';
import { expectSame, numbers, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();

const grid = [3, 4] as const;
const cells = 1 + grid[0] * grid[1];
const table = (depth: number): tf.Tensor => tableTensor(rotaryTable(grid, depth), depth);

describe('LLFRotate', () => {
  const cases = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    tokens: fc.integer({ min: 1, max: cells }),
    heads: fc.integer({ min: 1, max: 3 }),
    depth: fc.integer({ min: 1, max: 3 }).map((fours) => 4 * fours),
    named: fc.boolean(),
    seed: fc.nat(),
  });

  it('rotates as on cpu, with the same gradient, tokens in order or by their ids', () => {
    fc.assert(
      fc.property(cases, ({ batch, tokens, heads, depth, named, seed }) => {
        expectSame(() => {
          const places = numbers(batch * tokens, seed).map((value) => Math.floor(((value + 1) / 2) * cells));
          const ids = named ? tf.tensor2d(places, [batch, tokens], 'float32') : undefined;
          const { value, grad } = tf.valueAndGrad((qkv) => rotateQueriesAndKeys(qkv, { table: table(depth), ids }))(
            tensorOf([batch, tokens, 3 * heads * depth], seed),
            tensorOf([batch, tokens, 3 * heads * depth], seed + 1),
          );
          return [value, grad];
        }, 1e-6);
      }),
      { numRuns: 50 },
    );
  });

  it('names an id outside of the grid, and refuses more tokens in order than it has', () => {
    void tf.setBackend('wasm');
    const rotate = (tokens: number, ids?: number[]) => () =>
      tf.tidy(() =>
        rotateQueriesAndKeys(tensorOf([1, tokens, 12], 1), {
          table: table(4),
          ...(ids && { ids: tf.tensor2d([ids], undefined, 'int32') }),
        }),
      );
    for (const wrong of [-1, cells])
      expect(rotate(2, [0, wrong])).toThrow(
        `rotateQueriesAndKeys: ids must be in [0, ${cells - 1}], received ${wrong}.`,
      );
    expect(rotate(cells + 1)).toThrow(`rotateQueriesAndKeys: ids must be in [0, ${cells - 1}], received ${cells}.`);
  });
});
