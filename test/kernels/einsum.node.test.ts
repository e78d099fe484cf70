import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { accelerateWasm } from '../../src/wasm/index.js';
import { computeOn, expectClose, tensorOf, withAcceleration } from './both_backends.js';

withAcceleration();
// A comparison ends on cpu.
beforeEach(async () => {
  await tf.setBackend('wasm');
});

interface Case {
  readonly equation: string;
  readonly shapes: number[][];
}

const labels = ['a', 'b', 'c', 'd', 'e'];
const term = fc.shuffledSubarray(labels, { maxLength: 4 });

/** Any equation of one or two operands, and sizes for it; at most a few thousand products. */
const cases: fc.Arbitrary<Case> = fc
  .tuple(term, fc.option(term), fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 5, maxLength: 5 }))
  .chain(([first, second, sizes]) => {
    const terms = second === null ? [first] : [first, second];
    const known = [...new Set(terms.flat())];
    return fc.shuffledSubarray(known).map((output) => ({
      equation: `${terms.map((names) => names.join('')).join(', ')} -> ${output.join('')}`,
      shapes: terms.map((names) => names.map((name) => sizes[labels.indexOf(name)] ?? 1)),
    }));
  });

const operands = (shapes: number[][]): tf.Tensor[] => shapes.map((shape, i) => tensorOf(shape, i + 1));

/** The gradient of an equation by ordinary operations: every operand spread over all axes, multiplied, summed. */
function einsumOfParts(equation: string, tensors: tf.Tensor[]): tf.Tensor {
  const [terms = '', output = ''] = equation.replace(/\s/g, '').split('->');
  const names = [...new Set(terms.replace(',', ''))];
  const spread = tensors.map((x, i) => {
    const own = [...(terms.split(',')[i] ?? '')];
    const order = names.filter((name) => own.includes(name));
    const turned = tf.transpose(
      x,
      order.map((name) => own.indexOf(name)),
    );
    return tf.reshape(
      turned,
      names.map((name) => (own.includes(name) ? (x.shape[own.indexOf(name)] ?? 1) : 1)),
    );
  });
  const product = spread.reduce((x, y) => tf.mul(x, y));
  const summed = names.flatMap((name, axis) => (output.includes(name) ? [] : [axis]));
  const kept = names.filter((name) => output.includes(name));
  const sum = summed.length > 0 ? tf.sum(product, summed) : product;
  return tf.transpose(
    sum,
    [...output].map((name) => kept.indexOf(name)),
  );
}

/** Compares with the cpu backend. */
function expectEqual(compute: () => tf.Tensor | tf.Tensor[]): void {
  expectClose(computeOn('wasm', compute), computeOn('cpu', compute));
}

describe('einsum', () => {
  // Not that of cpu: it keeps an axis where both operands have one that they sum alone, as in 'a,b->'.
  it('is multiplying and summing, for any equation of one or two operands', () => {
    fc.assert(
      fc.property(cases, ({ equation, shapes }) => {
        expectClose(
          computeOn('wasm', () => tf.einsum(equation, ...operands(shapes))),
          computeOn('cpu', () => einsumOfParts(equation, operands(shapes))),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('equals the cpu backend for the equations of attention', () => {
    const [q, kv] = [
      [2, 19, 3, 8],
      [2, 23, 3, 8],
    ];
    expectEqual(() => tf.einsum('bqhd,bkhd->bhqk', tensorOf(q, 1), tensorOf(kv, 2)));
    expectEqual(() => tf.einsum('bhqk,bkhd->bqhd', tensorOf([2, 3, 19, 23], 1), tensorOf(kv, 2)));
    expectEqual(() => tf.einsum('bqhd,hde->bqe', tensorOf(q, 1), tensorOf([3, 8, 24], 2)));
  });

  it('has the gradients of multiplying and summing', () => {
    fc.assert(
      fc.property(cases, ({ equation, shapes }) => {
        const gradients = (op: (equation: string, tensors: tf.Tensor[]) => tf.Tensor) => (): tf.Tensor[] => {
          const inputs = operands(shapes);
          return tf.grads((...xs: tf.Tensor[]) => op(equation, xs))(inputs, tensorOf(op(equation, inputs).shape, 3));
        };
        expectClose(
          computeOn(
            'wasm',
            gradients((equation, xs) => tf.einsum(equation, ...xs)),
          ),
          computeOn('cpu', gradients(einsumOfParts)),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('is zero over an empty sum, and empty for an empty axis', () => {
    expect([...tf.einsum('ij,jk->ik', tf.zeros([2, 0]), tf.zeros([0, 2])).dataSync()]).toEqual([0, 0, 0, 0]);
    expect(tf.einsum('ij->ji', tf.zeros([2, 0])).shape).toEqual([0, 2]);
  });

  it('complains as the cpu backend does', () => {
    expect(() => tf.einsum('ij,jk->ik', tf.zeros([2, 3]), tf.zeros([2, 3]))).toThrow(/Expected dimension 3 at axis 0/);
    expect(() => tf.einsum('ii->i', tf.zeros([2, 2]))).toThrow(/duplicate axes/);
  });

  it('leaves nothing when the kernels go', async () => {
    expect(tf.getGradient('Einsum')).toBeDefined();
    (await accelerateWasm()).dispose();
    expect(tf.getGradient('Einsum')).toBeUndefined();
    expect(tf.getKernel('Einsum', 'wasm')).toBeUndefined();
    await accelerateWasm();
  });
});
