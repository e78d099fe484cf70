import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kelsMask, leadingChannels, magnitudeMask, welsMask } from '../../src/forgetting/masks.js';
import { decode, permuteAxes, type Recorded } from '../cropr/golden.js';
import recorded from '../fixtures/forgetting/ke_masks.json' with { type: 'json' };
import targeted from '../fixtures/forgetting/targeted_forgetting.json' with { type: 'json' };

const list = (array: ArrayLike<number>): number[] => Array.from(array);

/** A recorded tfjs kernel mask is the product of kept inputs and outputs. */
function ours(shape: number[], rate: number, order: string | null, wholeInput: boolean, head: boolean): Uint8Array {
  const [outputs, inputs] = shape as [number, number];
  const segments = order ? order.split(',').map(Number) : [inputs];
  const mask = kelsMask(
    [...shape.slice(2), inputs, outputs],
    leadingChannels(segments, wholeInput ? 1 : rate),
    leadingChannels([outputs], head ? 1 : rate),
  );
  return mask;
}

describe('the published masks', () => {
  it.each(recorded.kels.map((row, i) => [i, row] as const))('KELS %i', (_, row) => {
    const { kind, shape, rate, mask } = row;
    const first = 'is_first_conv' in row && row.is_first_conv === true;
    const last = 'last_layer' in row && Boolean(row.last_layer);
    expect(kind === 'conv' || kind === 'linear').toBe(true);
    const order = 'in_channels_order' in row ? (row.in_channels_order as string | null) : null;
    const received = ours(shape, rate, order === 'None' ? null : order, first, last);
    expect(list(received)).toEqual(mask.int32);
    expect(list(received).filter(Boolean)).toHaveLength(row.kept);
  });

  it('WELS', () => {
    for (const { uniform, rate, mask } of recorded.wels) {
      expect(list(welsMask(decode(uniform).values, rate))).toEqual(mask.int32);
    }
  });

  it('channels of a norm after a concatenation', () => {
    for (const { in_channels_order, rate, mask } of recorded.bn) {
      expect(list(leadingChannels(in_channels_order.split(',').map(Number), rate))).toEqual(mask.int32);
    }
  });

  it('the slim weights are those that the masks keep', () => {
    for (const { rate, ...arrays } of recorded.slim) {
      const pick = (name: keyof typeof arrays): Recorded => arrays[name] as Recorded;
      for (const [dense, slim, head] of [
        ['conv_dense', 'conv_slim', false],
        ['linear_dense', 'linear_slim', true],
      ] as const) {
        const { shape } = pick(dense);
        const mask = ours(shape, rate, null, false, head);
        const axes = shape.length === 4 ? [2, 3, 1, 0] : [1, 0];
        const { values } = permuteAxes(decode(pick(dense)), axes);
        const expected = permuteAxes(decode(pick(slim)), axes).values;
        expect(list(values).filter((_, i) => mask[i])).toEqual(list(expected));
      }
    }
  });

  it('magnitude', () => {
    for (const { weight, keep, dropped, mask } of targeted.magnitude) {
      const received = magnitudeMask(decode(weight).values, keep);
      expect(list(received)).toEqual(mask.int32);
      expect(list(received).filter((kept) => kept === 0)).toHaveLength(dropped);
    }
  });
});

describe('magnitudeMask', () => {
  it('keeps none that is smaller than one that goes, and drops the exact number', () => {
    const values = fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (numbers, keep) => {
        const mask = magnitudeMask(numbers, keep);
        const sizes = (kept: number): number[] => numbers.filter((_, i) => mask[i] === kept).map(Math.abs);
        expect(sizes(0)).toHaveLength(Math.trunc(numbers.length * (1 - keep)));
        expect(Math.max(...sizes(0), 0)).toBeLessThanOrEqual(Math.min(...sizes(1), Number.POSITIVE_INFINITY));
      }),
    );
  });

  it('within another mask only takes away', () => {
    const first = magnitudeMask([1, 2, 3, 4, 5, 6, 7, 8], 0.5);
    expect(list(magnitudeMask([1, 2, 3, 4, 8, 7, 6, 5], 0.5, first))).toEqual([0, 0, 0, 0, 1, 1, 0, 0]);
  });
});

describe('bad input', () => {
  it('is named', () => {
    expect(() => welsMask([0.5], 1.5)).toThrow('welsMask: rate must be a number in [0, 1], received 1.5.');
    expect(() => leadingChannels([2], -1)).toThrow('leadingChannels: rate must be');
    expect(() => magnitudeMask([1], 2)).toThrow('magnitudeMask: keep must be');
    expect(() => kelsMask([3, 2], new Uint8Array(2), new Uint8Array(2))).toThrow(
      'kelsMask: shape must be of sizes [..., 2, 2], received [3, 2].',
    );
  });
});
