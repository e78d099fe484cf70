import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { rotaryTable, rotateQueriesAndKeys, tableTensor } from '../../src/cropr-dense/rotary.js';
import { decode, expectNear, largestError, TOLERANCE } from '../cropr/golden.js';
import fixture from '../fixtures/cropr/segmenter_llf.json' with { type: 'json' };
import { onEachBackend } from '../setup/backends.js';

describe('the table of rotary positions', () => {
  it('equals the recorded one, with a first row that does not rotate', () => {
    const { shape, values } = decode(fixture.train.rope_table);
    expect(shape).toEqual([16, 16]);
    const table = rotaryTable([4, 4], 8, [2, 2]);
    expect(Array.from(table.slice(0, 16))).toEqual([...new Array(8).fill(0), ...new Array(8).fill(1)]);
    expect(largestError(table.slice(16), values)).toBeLessThan(1e-6);
  });

  it('counts rows and columns each along its own reference', () => {
    // Row 1 of 2 lies where row 4 of 8 of the reference does; column 2 of 4 where column 1 of 2 does.
    const table = rotaryTable([2, 4], 4, [8, 2]);
    const cell = (row: number, column: number): Float32Array => table.slice(8 * (1 + 4 * row + column)).slice(0, 8);
    expect(cell(1, 2)[0]).toBeCloseTo(Math.sin(4), 6);
    expect(cell(1, 2)[2]).toBeCloseTo(Math.sin(1), 6);
    expect(cell(1, 2)[6]).toBeCloseTo(Math.cos(1), 6);
  });
});

onEachBackend(() => {
  describe('rotation', () => {
    const [grid, heads, dim] = [[3, 2] as const, 2, 16];
    const depth = dim / heads;
    const table = (): tf.Tensor => tableTensor(rotaryTable(grid, depth), depth);

    /** Attention logits of queries and keys `[B, M, D]` that are all the same, with positions by id. */
    const logits = (ids: number[], seed = 1): tf.Tensor => {
      const one = tf.randomNormal([1, 1, 3 * dim], 0, 1, 'float32', seed);
      const qkv = tf.tile(one, [1, ids.length, 1]);
      const rotated = rotateQueriesAndKeys(qkv, { table: table(), ids: tf.tensor2d([ids], undefined, 'int32') });
      const part = (from: number): tf.Tensor3D => tf.slice(rotated, [0, 0, from], [1, ids.length, dim]) as tf.Tensor3D;
      return tf.matMul(part(0), part(dim), false, true);
    };

    it('makes logits depend on the distance alone', () => {
      tf.tidy(() => {
        // Cells 0 (0, 0), 1 (0, 1), 2 (1, 0), 3 (1, 1), 4 (2, 0), 5 (2, 1); ids count from 1.
        const found = logits([1, 2, 3, 4, 5, 6]).arraySync() as number[][][];
        const at = (query: number, key: number): number => found[0]?.[query]?.[key] as number;
        expect(at(0, 3)).toBeCloseTo(at(2, 5), 4); // one row, one column
        expect(at(0, 2)).toBeCloseTo(at(3, 5), 4); // one row
        expect(Math.abs(at(0, 2) - at(2, 0))).toBeGreaterThan(1e-2);
      });
    });

    it('leaves the class token and all values as they are, and keeps lengths', () => {
      tf.tidy(() => {
        const qkv = tf.randomNormal([2, 3, 3 * dim], 0, 1, 'float32', 3);
        const ids = tf.tensor2d(
          [
            [0, 4, 6],
            [0, 1, 2],
          ],
          undefined,
          'int32',
        );
        const rotated = rotateQueriesAndKeys(qkv, { table: table(), ids });
        const same = (x: tf.Tensor, y: tf.Tensor): void =>
          expectNear(x, { shape: y.shape, values: y.dataSync() }, TOLERANCE, 'unchanged');
        same(tf.slice(rotated, [0, 0, 0], [2, 1, 3 * dim]), tf.slice(qkv, [0, 0, 0], [2, 1, 3 * dim]));
        same(tf.slice(rotated, [0, 0, 2 * dim]), tf.slice(qkv, [0, 0, 2 * dim]));
        same(tf.sum(tf.square(rotated), 2), tf.sum(tf.square(qkv), 2));
        expect(largestError(rotated.dataSync(), qkv.dataSync())).toBeGreaterThan(0.1);
      });
    });

    it('without ids is that of tokens in order, for every sample', () => {
      tf.tidy(() => {
        const qkv = tf.randomNormal([2, 7, 3 * dim], 0, 1, 'float32', 4);
        const ids = tf.tile(tf.range(0, 7, 1, 'int32').reshape([1, 7]), [2, 1]);
        const expected = rotateQueriesAndKeys(qkv, { table: table(), ids });
        const received = rotateQueriesAndKeys(qkv, { table: table() });
        expectNear(received, { shape: expected.shape, values: expected.dataSync() }, 1e-6, 'in order');
      });
    });

    it('has the gradient of the rotation back', () => {
      tf.tidy(() => {
        const shape: [number, number, number] = [1, 2, 3 * dim];
        const [x, dy] = [5, 6].map((seed) => tf.randomNormal(shape, 0, 1, 'float32', seed)) as [tf.Tensor, tf.Tensor];
        const places = { table: table(), ids: tf.tensor2d([[2, 5]], undefined, 'int32') };
        const rotate = (y: tf.Tensor): tf.Tensor => rotateQueriesAndKeys(y, places);
        const dx = tf.grad(rotate)(x, dy);
        // The rotation is linear and orthogonal: back and forth is nothing.
        expectNear(rotate(dx), { shape, values: dy.dataSync() }, TOLERANCE, 'back and forth');
      });
    });
  });
});
