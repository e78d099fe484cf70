import { describe, expect, it } from 'vitest';
import { loadMnist, parseIdx } from '../../examples/data/mnist.js';

/** An IDX file of bytes with this shape and data. */
function idx(shape: readonly number[], data: readonly number[], type = 0x08): Uint8Array {
  return Uint8Array.from([
    0,
    0,
    type,
    shape.length,
    ...shape.flatMap((length) => [0, 0, length >> 8, length & 255]),
    ...data,
  ]);
}

describe('parseIdx', () => {
  it('reads shape and data', () => {
    expect(parseIdx(idx([2, 1, 3], [1, 2, 3, 4, 5, 255]))).toEqual({
      shape: [2, 1, 3],
      data: Uint8Array.of(1, 2, 3, 4, 5, 255),
    });
  });

  it('reads lengths as big-endian numbers', () => {
    expect(parseIdx(idx([300], new Array<number>(300).fill(7))).shape).toEqual([300]);
  });

  it('reads a file that is part of a larger buffer', () => {
    const padded = Uint8Array.from([9, 9, 9, ...idx([2], [3, 4]), 9]);
    expect(parseIdx(padded.subarray(3, -1)).data).toEqual(Uint8Array.of(3, 4));
  });

  it.each([
    ['an empty file', Uint8Array.of()],
    ['a file cut in its header', idx([2, 2], []).subarray(0, 9)],
    ['a file of another kind', Uint8Array.from(Buffer.from('<!doctype html><html></html>'))],
    ['a gzipped file', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0)],
    ['numbers of another type', idx([1], [0, 0, 0, 0], 0x0d)],
    ['no dimension', idx([], [])],
  ])('refuses %s', (_, file) => {
    expect(() => parseIdx(file)).toThrow(/^parseIdx: file must begin as IDX of bytes does, received \[/);
  });

  it.each([
    ['cut off', [1, 2, 3]],
    ['too long', [1, 2, 3, 4, 5]],
  ])('refuses data that is %s', (_, data) => {
    expect(() => parseIdx(idx([2, 2], data))).toThrow(
      `parseIdx: file must hold 4 bytes for shape [2,2], received ${data.length}.`,
    );
  });
});

describe('loadMnist', () => {
  it.each([
    ['train', [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]],
    ['test', [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]],
  ] as const)('finds the known number of each digit in %s', async (split, known) => {
    const { pixels, labels } = await loadMnist(split);
    const counts = new Array<number>(10).fill(0);
    for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
    expect(counts).toEqual(known);
    expect(pixels.length).toBe(labels.length * 28 * 28);
  });
});
