import * as tf from '@tensorflow/tfjs';
import type { WasmBackend } from '../../src/kernels/wasm/backend.js';

/** Bytes before and behind each block; a multiple of 8, as addresses are. */
const BORDER = 64;
const MARK = 0xab;

/**
 * Lets every block that JavaScript takes from the WASM heap, tensors and scratch, stand between borders, to find what is
 * written outside. Returns the sizes of the blocks whose borders were crossed, once each.
 */
export function watchBorders(): () => number[] {
  const { wasm } = tf.findBackend('wasm') as unknown as { wasm: WasmBackend['wasm'] & { HEAPU8: Uint8Array } };
  // The first call puts the true functions in the place of stubs.
  wasm._free(wasm._malloc(1));
  const [allocate, release] = [wasm._malloc, wasm._free];
  const sizes = new Map<number, number>();
  let crossed: number[] = [];
  const isWhole = (start: number): boolean =>
    wasm.HEAPU8.subarray(start, start + BORDER).every((byte) => byte === MARK);
  wasm._malloc = (bytes) => {
    const start = allocate(bytes + 2 * BORDER) >>> 0;
    if (start === 0) return 0;
    const pointer = start + BORDER;
    wasm.HEAPU8.fill(MARK, start, pointer);
    wasm.HEAPU8.fill(MARK, pointer + bytes, pointer + bytes + BORDER);
    sizes.set(pointer, bytes);
    return pointer;
  };
  wasm._free = (signed) => {
    const pointer = signed >>> 0;
    const bytes = sizes.get(pointer);
    if (bytes === undefined) release(pointer);
    else {
      if (!isWhole(pointer - BORDER) || !isWhole(pointer + bytes)) crossed.push(bytes);
      sizes.delete(pointer);
      release(pointer - BORDER);
    }
  };
  return () => {
    const result = crossed;
    crossed = [];
    return result;
  };
}
