import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';
import { expectSame } from './both_backends.js';
import { heap, withWatchedHeap } from './heap.js';
import { programs, steps } from './programs.js';

const memory = withWatchedHeap();
const all = { ...programs(700), ...steps(700) };
const names = Object.keys(all);

/** The bits of all results. */
function bitsOf(name: string): Int32Array[] {
  const compute = all[name] as () => tf.Tensor[];
  return tf.tidy(() => compute().map((x) => new Int32Array(x.dataSync().slice().buffer)));
}

const expected = new Map<string, Int32Array[]>();

/** Where the bits of a result differ from those of the first run, as `result: place`. */
function differences(name: string): string[] {
  return bitsOf(name).flatMap((bits, i) => {
    const other = expected.get(name)?.[i];
    const place = bits.findIndex((bit, j) => bit !== other?.[j]);
    return place < 0 && bits.length === other?.length ? [] : [`${i}: ${place} of ${bits.length}`];
  });
}
let release = (): void => {};

describe('a memory that grows within a call', () => {
  afterEach(() => release());

  it.each(names)('%s has the same bits', (name) => {
    const { watch } = memory;
    watch.reset();
    expected.set(name, bitsOf(name));
    const last = watch.sizes.length;
    const before = heap().buffer.byteLength;
    watch.reset((count) => {
      // The last allocation is a kernel's own, for an output or for its scratch, when its inputs have their addresses.
      if (count === last) release = watch.fillBelow(heap().buffer.byteLength, 2 ** 20);
      return false;
    });
    expect(differences(name)).toEqual([]);
    watch.reset();
    expect(heap().buffer.byteLength).toBeGreaterThan(before);
  });
});

const HALF = 2 ** 31;

describe('addresses around and above 2 GB', () => {
  afterEach(() => release());

  it.each(names)('%s has the same bits with its tensors on both sides, and across', (name) => {
    const { watch } = memory;
    watch.reset();
    bitsOf(name);
    const bytes = watch.sizes.reduce((sum, size) => sum + size, 0);
    // So that the middle of the memory that a program takes is there, and not the end of one of its tensors.
    release = watch.handOutFrom(HALF - 8 * Math.floor(bytes / 16) - 8);
    watch.reset();
    expect(differences(name)).toEqual([]);
    const isAcross = watch.pointers.map((pointer, i) => pointer < HALF && pointer + (watch.sizes[i] ?? 0) > HALF);
    expect(isAcross).toContain(true);
  });

  it.each(names)('%s has the same bits above', (name) => {
    const { watch } = memory;
    release = watch.handOutFrom(HALF);
    watch.reset();
    expect(differences(name)).toEqual([]);
    expect(Math.min(...watch.pointers)).toBe(HALF);
    expect(watch.sizes.length).toBeGreaterThan(1);
  });

  it.each(Object.keys(programs(1)))('%s is that of cpu above', (name) => {
    release = memory.watch.handOutFrom(HALF);
    expectSame(all[name] as () => tf.Tensor[], 1e-5);
    void tf.setBackend('wasm');
  });
});
