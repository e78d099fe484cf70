import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { HeapWatch, heap, wasmBackend } from './heap.js';

beforeEach(async () => {
  await tf.setBackend('wasm');
});

// When one of these fails, `guardAllocator` or `freeFailedTapes` can do less.
describe('tfjs without the kernels', () => {
  it('keeps what the forward pass of a gradient that throws has saved', () => {
    const throwing = tf.customGrad((x, save) => {
      (save as (tensors: tf.Tensor[]) => void)([x as tf.Tensor]);
      return {
        value: tf.clone(x as tf.Tensor),
        gradFunc: () => {
          throw new Error('no gradient');
        },
      };
    });
    const x = tf.scalar(1);
    const before = tf.memory().numTensors;
    expect(() => tf.grad(throwing)(x)).toThrow('no gradient');
    expect(tf.memory().numTensors).toBe(before + 1);
    x.dispose();
  });

  it('takes the 0 of an allocator that has no memory for an address', () => {
    const watch = new HeapWatch();
    watch.reset(() => true);
    const x = tf.zeros([3]);
    expect(watch.pointers).toEqual([0]);
    watch.reset();
    // Its memory is not ours to free.
    tf.dispose(x);
  });

  it('takes the rest of a size by 2^32', () => {
    const { wasm } = wasmBackend();
    const before = heap().buffer.byteLength;
    const pointer = wasm._malloc(2 ** 32 + 64);
    expect(pointer).not.toBe(0);
    expect(heap().buffer.byteLength).toBe(before);
    wasm._free(pointer);
  });

  it('hands out a block that reaches past the end of the memory', () => {
    const { wasm } = wasmBackend();
    const taken: number[] = [];
    let isPast = false;
    for (let size = 2 ** 30; size >= 2 ** 20 && !isPast; size /= 2) {
      for (let pointer = wasm._malloc(size) >>> 0; pointer > 0 && !isPast; pointer = wasm._malloc(size) >>> 0) {
        taken.push(pointer);
        isPast = pointer + size > heap().buffer.byteLength;
      }
    }
    expect(isPast).toBe(true);
    for (const pointer of taken) wasm._free(pointer);
  });
});
