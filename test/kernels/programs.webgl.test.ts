import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accelerateWebgl } from '../../src/kernels/webgl/accelerate.js';
import { selfAttention } from '../../src/ops/attention.js';
import { hasFused } from '../../src/ops/fused.js';
import { gatherTokens, permuteTokens, takeTokens } from '../../src/ops/gather_tokens.js';
import { gelu } from '../../src/ops/gelu.js';
import { layerNorm } from '../../src/ops/layer_norm.js';
import { largestError } from '../cropr/golden.js';
import { onEachBackend } from '../setup/backends.js';
import { numbers, tensorOf } from './numbers.js';

/**
 * How a tensor comes to the device: sent there when it is needed; as `1 - x` leaves it, packed and with ones around a matrix
 * of odd size; as one number per texel, a part of a larger texture.
 */
const ways = {
  sent: (x: tf.Tensor) => x,
  packed: (x: tf.Tensor) => tf.sub(1, x),
  'part of another': (x: tf.Tensor) => {
    const all = tf.gather(tf.stack([x, tf.neg(x)]), tf.tensor1d([1, 0], 'int32'));
    return tf.reshape(tf.slice(all, [1], [1]), x.shape);
  },
} satisfies Record<string, (x: tf.Tensor) => tf.Tensor>;

interface Case {
  readonly name: string;
  readonly shapes: readonly number[][];
  readonly op: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** Of the value and of all gradients, as a part of the largest number or of 1. */
  readonly tolerance: number;
}

/** For each sample the tokens `step · k mod count`: with copies, and without some tokens. */
function indices(batch: number, count: number, copies: number, step: number): tf.Tensor2D {
  const values = Int32Array.from({ length: batch * copies }, (_, i) => (step * i + Math.floor(i / copies)) % count);
  return tf.tensor2d(values, [batch, copies], 'int32');
}

function gathers(batch: number, count: number, copies: number, channels: number): Case {
  return {
    name: `gather of ${copies} from [${batch}, ${count}, ${channels}]`,
    shapes: [[batch, count, channels]],
    op: (x) => gatherTokens(x, indices(batch, count, copies, 3)),
    tolerance: 1e-6,
  };
}

function permutes(batch: number, count: number, channels: number): Case {
  // 7 is prime to every count that is used.
  const op = (x: tf.Tensor): tf.Tensor => permuteTokens(x, indices(batch, count, count, 7));
  return {
    name: `permutation of [${batch}, ${count}, ${channels}]`,
    shapes: [[batch, count, channels]],
    op,
    tolerance: 1e-6,
  };
}

function norms(...shape: number[]): Case {
  const columns = shape[shape.length - 1] as number;
  return {
    name: `layer norm of [${shape}]`,
    shapes: [shape, [columns], [columns]],
    op: (x, gamma, beta) => layerNorm(x as tf.Tensor, gamma as tf.Tensor, beta as tf.Tensor, 1e-2),
    tolerance: 3e-6,
  };
}

function gelus(...shape: number[]): Case {
  return { name: `GELU of [${shape}]`, shapes: [shape], op: (x) => gelu(tf.mul(x, 4)), tolerance: 1e-6 };
}

function attends(batch: number, tokens: number, heads: number, depth: number, isBiased = false): Case {
  return {
    name: `${isBiased ? 'biased ' : ''}attention of ${batch} x ${tokens} tokens with ${heads} heads of ${depth}`,
    shapes: [[batch, tokens, 3 * heads * depth]],
    op: (x) => selfAttention(tf.mul(x, 2), heads, isBiased ? tensorOf([batch, tokens], 9) : undefined),
    tolerance: 3e-6,
  };
}

/** Sizes of one, odd and even ones, more than one block of rows, and those that the programs leave to the composed operations. */
const cases: readonly Case[] = [
  gelus(1),
  gelus(7),
  gelus(2, 3, 5),
  gelus(2, 1, 3, 4),
  norms(5),
  norms(1, 1, 6),
  norms(3, 5, 7),
  norms(2, 67, 4),
  norms(131, 3),
  norms(2, 2, 1, 5),
  norms(2, 4099),
  gathers(1, 1, 1, 1),
  gathers(3, 5, 7, 3),
  gathers(2, 6, 4, 8),
  permutes(2, 9, 5),
  permutes(1, 64, 2),
  attends(1, 1, 1, 2),
  attends(3, 5, 2, 4, true),
  attends(2, 9, 3, 2),
  attends(1, 130, 2, 6, true),
  attends(2, 4, 2, 3),
];

/** The value and all gradients. */
function compute({ shapes, op }: Case, way: (x: tf.Tensor) => tf.Tensor): tf.Tensor[] {
  return tf.tidy(() => {
    const inputs = shapes.map((shape, i) => way(tensorOf(shape, i + 1)));
    const dy = way(tf.tidy(() => tensorOf(op(...inputs).shape, 7)));
    const { value, grads } = tf.valueAndGrads(op)(inputs, dy);
    return [value, ...grads];
  });
}

async function read(tensors: tf.Tensor[]): Promise<{ shape: number[]; values: Float32Array }[]> {
  const results = await Promise.all(
    tensors.map(async (tensor) => ({ shape: tensor.shape, values: (await tensor.data()) as Float32Array })),
  );
  tf.dispose(tensors);
  return results;
}

onEachBackend(() => {
  describe('the shaders of tokens', () => {
    let dispose = (): void => {};

    beforeAll(async () => {
      // By default the cpu computes what is small: all tensors would be sent.
      tf.env().set('WEBGL_CPU_FORWARD', false);
      const handle = await accelerateWebgl();
      expect(handle.warning).toBe('');
      dispose = () => handle.dispose();
    });
    afterAll(() => dispose());

    describe.each(Object.entries(ways))('of tensors %s', (_, way) => {
      it.each(cases)('give what cpu gives: $name', async (one) => {
        await tf.setBackend('cpu');
        const expected = await read(compute(one, way));
        await tf.setBackend('webgl');
        expect(hasFused('LLFGelu')).toBe(true);
        const before = tf.memory();
        const ours = await read(compute(one, way));
        expect(tf.memory().numTensors).toBe(before.numTensors);
        expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
        ours.forEach(({ shape, values }, i) => {
          expect(shape).toEqual(expected[i]?.shape);
          const right = expected[i]?.values ?? new Float32Array();
          const largest = right.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
          expect.soft(largestError(values, right) / largest, `result ${i}`).toBeLessThanOrEqual(one.tolerance);
        });
      });
    });

    it('take integers of two and four axes too', async () => {
      const order = indices(2, 5, 3, 3);
      const shapes = [
        [2, 5],
        [2, 5, 2, 3],
      ];
      for (const shape of shapes) {
        const ids = tf.tensor(
          numbers(tf.util.sizeFromShape(shape), 1).map((value) => 1000 * value),
          shape,
          'int32',
        );
        const taken = takeTokens(ids, order);
        const expected = tf.gather(ids, order, 1, 1);
        expect([taken.dtype, taken.shape]).toEqual(['int32', expected.shape]);
        expect(await taken.array()).toEqual(await expected.array());
        // Once more, by a program that takes one number per texel.
        expect(await tf.cast(taken, 'bool').array()).toEqual(await tf.cast(expected, 'bool').array());
        tf.dispose([ids, taken, expected]);
      }
      order.dispose();
    });

    it.each([gelus(1, 3, 5), norms(1, 3, 5), gathers(1, 5, 3, 5), permutes(1, 3, 5), attends(1, 3, 1, 2)])(
      'leave nothing around their outputs that products would add up: $name',
      async (one) => {
        const sums = tf.tidy(() => {
          const results = compute(one, ways.packed).filter(({ rank }) => rank > 1);
          return results.flatMap((y) => {
            const ones = tf.exp(tf.zerosLike(y));
            return [
              tf.sub(tf.matMul(y, ones, false, true), tf.sum(y, -1, true)),
              tf.sub(tf.matMul(ones, y, true, false), tf.sum(y, -2, true)),
            ];
          });
        });
        for (const { values } of await read(sums)) expect(Math.max(...values.map(Math.abs))).toBeLessThan(1e-4);
      },
    );
  });
});
