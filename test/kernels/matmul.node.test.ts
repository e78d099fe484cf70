import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { accelerateWasm } from '../../src/wasm/index.js';
import { computeOn, expectClose, expectSame, tensorOf, withAcceleration } from './both_backends.js';

/** Sizes around the tile (4x8), the blocks (96, 512, 256), and 1, where a product is one of a vector. */
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 2, arbitrary: fc.integer({ min: 21, max: 110 }) },
  { weight: 1, arbitrary: fc.constantFrom(1, 4, 8, 12, 13) },
);
const sizes = fc.record({ m: size, n: size, k: size, transposeA: fc.boolean(), transposeB: fc.boolean() });
const runs = { numRuns: 400 };

interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The two factors of a product, of some batches. */
function factors(
  { m, n, k, transposeA, transposeB }: Sizes,
  aBatch: number[],
  bBatch: number[],
): [tf.Tensor, tf.Tensor] {
  return [
    tensorOf([...aBatch, ...(transposeA ? [k, m] : [m, k])], 1),
    tensorOf([...bBatch, ...(transposeB ? [n, k] : [k, n])], 2),
  ];
}

withAcceleration();
// A comparison ends on cpu.
beforeEach(async () => {
  await tf.setBackend('wasm');
});

/** Compares with the cpu backend. */
function expectEqual(compute: () => tf.Tensor | tf.Tensor[]): void {
  expectClose(computeOn('wasm', compute), computeOn('cpu', compute));
}

describe('matMul', () => {
  it('equals the cpu backend for every transpose', () => {
    fc.assert(
      fc.property(sizes, (shape) => {
        expectEqual(() => tf.matMul(...factors(shape, [], []), shape.transposeA, shape.transposeB));
      }),
      runs,
    );
  });

  it('equals the cpu backend beyond each block size', () => {
    for (const [m, n, k] of [
      [100, 9, 260],
      [97, 521, 5],
      [13, 1030, 7],
      [5, 520, 300],
      [193, 17, 515],
      [1, 9, 1000],
      [9, 1, 1000],
    ] as const) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const shape = { m, n, k, transposeA, transposeB };
          expectEqual(() => tf.matMul(...factors(shape, [], []), transposeA, transposeB));
        }
      }
    }
  });

  it('equals the cpu backend for batches, of which one operand may have a single one', () => {
    const batches = fc.record({
      batch: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
      alone: fc.constantFrom('neither', 'a', 'b'),
    });
    fc.assert(
      fc.property(sizes, batches, (shape, { batch, alone }) => {
        const one = batch.map(() => 1);
        const [a, b] = [alone === 'a' ? one : batch, alone === 'b' ? one : batch];
        expectEqual(() => tf.matMul(...factors(shape, a, b), shape.transposeA, shape.transposeB));
      }),
      runs,
    );
  });

  it('repeats axes of size 1 on both sides', () => {
    const [a, b] = [tensorOf([2, 1, 5, 7], 1), tensorOf([1, 3, 7, 9], 2)];
    const whole = tf.matMul(tf.tile(a, [1, 3, 1, 1]), tf.tile(b, [2, 1, 1, 1]));
    expect([...tf.matMul(a, b).dataSync()]).toEqual([...whole.dataSync()]);
  });

  it('is zero over an empty sum, and empty for an empty side', () => {
    expect([...tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3])).dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 1])).dataSync()]).toEqual([0, 0]);
    expect([...tf.matMul(tf.zeros([1, 0]), tf.zeros([0, 2])).dataSync()]).toEqual([0, 0]);
    expect(tf.matMul(tf.zeros([0, 4]), tf.zeros([4, 3])).shape).toEqual([0, 3]);
    expect(tf.matMul(tf.zeros([3, 0, 4]), tf.zeros([3, 4, 0])).shape).toEqual([3, 0, 0]);
  });

  it('keeps what is not finite to its own row and column', () => {
    const a = tf.tensor2d([1, Number.NaN, 3, 4, 5, 6], [3, 2]);
    const b = tf.tensor2d([1, 2, Number.POSITIVE_INFINITY, 4, 5, 6], [2, 3]);
    const values = [...tf.matMul(a, b).dataSync()];
    expect(values.map(Number.isFinite)).toEqual([false, false, false, true, true, false, true, true, false]);
  });

  it('has the gradients of the cpu backend', () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom<number[]>([], [2], [2, 2]), (shape, batch) => {
        const { transposeA, transposeB } = shape;
        expectEqual(() => {
          const [a, b] = factors(shape, batch, batch);
          const dy = tensorOf([...batch, shape.m, shape.n], 3);
          return tf.grads((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, transposeA, transposeB))([a, b], dy);
        });
      }),
      { numRuns: 100 },
    );
  });

  it('errs no more than stock', async () => {
    const shape = { m: 24, n: 16, k: 3000, transposeA: false, transposeB: false };
    const compute = (): tf.Tensor => tf.matMul(...factors(shape, [], []));
    const exact = exactProduct(shape);
    const errorOf = (values: readonly number[]): number =>
      Math.sqrt(values.reduce((sum, value, i) => sum + (value - (exact[i] ?? 0)) ** 2, 0));
    const ours = errorOf(computeOn('wasm', compute)[0]?.values ?? []);
    const handle = await accelerateWasm();
    handle.dispose();
    const stock = errorOf(computeOn('wasm', compute)[0]?.values ?? []);
    await accelerateWasm();
    expect(ours).toBeLessThanOrEqual(stock);
    expect(ours).toBeGreaterThan(0);
  });

  it('leaves the complaint about sizes that do not fit to stock', () => {
    expect(() => tf.matMul(tf.zeros([2, 3]), tf.zeros([2, 3]))).toThrow(/inner shapes \(3\) and \(2\)/);
    expect(() => tf.matMul(tf.zeros([2, 2, 3]), tf.zeros([3, 3, 2]))).toThrow(/could not be broadcast/);
  });
});

/** The product in float64. */
function exactProduct({ m, n, k }: Sizes): number[] {
  const [a, b] = [tensorOf([m, k], 1).dataSync(), tensorOf([k, n], 2).dataSync()];
  return Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let p = 0; p < k; p++) sum += (a[i * k + p] ?? 0) * (b[p * n + j] ?? 0);
    return sum;
  });
}

describe('fused matMul', () => {
  const activations = ['linear', 'relu', 'relu6', 'leakyrelu', 'prelu', 'sigmoid', 'elu'] as const;
  const biases = fc.constantFrom('none', 'row', 'scalar', 'column', 'matrix', 'one of all');

  function biasOf(kind: string, { m, n }: Sizes): tf.Tensor | undefined {
    if (kind === 'none') return undefined;
    const shapes: Record<string, number[]> = { row: [n], scalar: [], column: [m, 1], matrix: [m, n] };
    return tensorOf(shapes[kind] ?? [1, 1, 1], 4);
  }

  it('equals the cpu backend for every bias and activation', () => {
    const batches = fc.constantFrom<number[]>([], [2], [2, 2]);
    fc.assert(
      fc.property(sizes, biases, fc.constantFrom(...activations), batches, (shape, kind, activation, batch) => {
        expectEqual(() => {
          const [a, b] = factors(shape, batch, batch);
          const bias = biasOf(kind, shape);
          return tf.fused.matMul({
            a,
            b,
            transposeA: shape.transposeA,
            transposeB: shape.transposeB,
            ...(bias && { bias }),
            activation,
            leakyreluAlpha: 0.3,
            ...(activation === 'prelu' && { preluActivationWeights: tensorOf([shape.n], 5) }),
          });
        });
      }),
      runs,
    );
  });

  it('has a bias of each matrix of a batch', () => {
    const shape = { m: 5, n: 6, k: 7, transposeA: false, transposeB: false };
    for (const biasShape of [
      [3, 1, 6],
      [3, 5, 1],
      [3, 5, 6],
      [2, 3, 5, 6],
    ]) {
      const [a, b] = factors(shape, [2, 3], [2, 3]);
      const fused = tf.fused.matMul({ a, b, bias: tensorOf(biasShape, 4) });
      const plain = tf.matMul(a, b).add(tensorOf(biasShape, 4));
      expect(tf.max(tf.abs(fused.sub(plain))).dataSync()[0]).toBeLessThan(1e-5);
    }
  });

  it('saturates where the exponential ends', () => {
    const x = tf.tensor2d([-1e4, -100, -1e-4, 0, 1e-4, 100, 1e4, Number.NaN], [8, 1]);
    for (const activation of ['sigmoid', 'elu'] as const) {
      expectSame(() => tf.fused.matMul({ a: x.clone(), b: tf.ones([1, 2]), activation }), 1e-7);
    }
    const small = tf.fused.matMul({ a: tf.tensor2d([-1e-4, -1e-6], [2, 1]), b: tf.ones([1, 1]), activation: 'elu' });
    const [first = 0, second = 0] = small.dataSync();
    expect(Math.abs(first / Math.expm1(-1e-4) - 1)).toBeLessThan(1e-6);
    expect(Math.abs(second / Math.expm1(-1e-6) - 1)).toBeLessThan(1e-6);
  });
});
