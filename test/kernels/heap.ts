import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect } from 'vitest';
import { memoryOf, type WasmBackend } from '../../src/kernels/wasm/backend.js';
import { accelerateWasm, type WasmAcceleration } from '../../src/wasm/index.js';

/** The WASM backend as kernels see it. */
export function wasmBackend(): WasmBackend & tf.KernelBackend {
  return tf.findBackend('wasm') as unknown as WasmBackend & tf.KernelBackend;
}

/** Its memory. */
export function heap(): WebAssembly.Memory {
  return memoryOf(wasmBackend()) as WebAssembly.Memory;
}

/** Bytes of the block from which `handOutFrom` hands out: it reaches beyond 2 GB, wherever it begins. */
const ARENA = 2 ** 31 + 2 ** 26;

/** Watches what the backend's allocator hands out to JavaScript and gets back, lets it fail, and takes its free memory. */
export class HeapWatch {
  /** Sizes of what has been handed out since the last `reset`, in order. */
  sizes: number[] = [];
  /** The addresses, likewise. */
  pointers: number[] = [];
  /** Most bytes in use at one time since the last `reset`, above those at that time. */
  peak = 0;
  /** What to do before the allocation of a number, counted from 1 since the last `reset`; true lets it fail. */
  before: (count: number) => boolean | undefined = () => undefined;
  private readonly live = new Map<number, number>();
  private readonly allocate: (bytes: number) => number;
  private readonly release: (pointer: number) => void;
  private floor = 0;
  private arena: { readonly start: number; next: number } | undefined;

  constructor() {
    const { wasm } = wasmBackend();
    // The first call puts the true functions in the place of stubs.
    wasm._free(wasm._malloc(1));
    this.allocate = wasm._malloc;
    this.release = wasm._free;
    wasm._malloc = (bytes) => {
      this.sizes.push(bytes);
      const pointer = this.before(this.sizes.length)
        ? 0
        : this.arena
          ? this.takeFrom(this.arena, bytes)
          : this.allocate(bytes) >>> 0;
      this.pointers.push(pointer);
      if (pointer > 0) this.live.set(pointer, bytes);
      this.peak = Math.max(this.peak, this.bytes() - this.floor);
      return pointer;
    };
    wasm._free = (pointer) => {
      this.live.delete(pointer >>> 0);
      if (!this.isInArena(pointer >>> 0)) this.release(pointer);
    };
  }

  reset(before: HeapWatch['before'] = () => undefined): void {
    this.sizes = [];
    this.pointers = [];
    this.before = before;
    this.floor = this.bytes();
    this.peak = 0;
  }

  /** What is held now: blocks and bytes of the heap, tensors of the backend, tensors of tfjs. */
  held(): Record<string, number> {
    const { numTensors } = tf.memory();
    return { blocks: this.live.size, bytes: this.bytes(), data: wasmBackend().numDataIds(), tensors: numTensors };
  }

  /**
   * Takes the free memory below an address, but for crumbs, in blocks of up to some size. It is not touched, so it costs
   * nothing. Returns how to free it.
   */
  fillBelow(limit: number, largest = 2 ** 30): () => void {
    const taken: number[] = [];
    for (let size = largest; size >= 64; size /= 2) {
      for (;;) {
        const pointer = this.allocate(size) >>> 0;
        if (pointer === 0) break;
        if (pointer + size > limit) {
          this.release(pointer);
          break;
        }
        taken.push(pointer);
      }
    }
    return () => {
      for (const pointer of taken.splice(0)) this.release(pointer);
    };
  }

  /** Hands out memory from an address near 2 GB on, one block behind the other. Returns how to end that. */
  handOutFrom(address: number): () => void {
    const start = this.allocate(ARENA) >>> 0;
    if (start === 0 || start > address) throw new Error(`handOutFrom: address must be free, received ${address}.`);
    this.arena = { start, next: address };
    return () => {
      if (this.arena) this.release(this.arena.start);
      this.arena = undefined;
    };
  }

  private takeFrom(arena: { readonly start: number; next: number }, bytes: number): number {
    const pointer = arena.next;
    // Addresses are multiples of 8, as the allocator's are.
    arena.next += Math.max(8, 8 * Math.ceil(bytes / 8));
    if (arena.next > arena.start + ARENA) throw new Error('handOutFrom: memory was too small.');
    return pointer;
  }

  private isInArena(pointer: number): boolean {
    return this.arena !== undefined && pointer >= this.arena.start && pointer < this.arena.start + ARENA;
  }

  private bytes(): number {
    let sum = 0;
    for (const size of this.live.values()) sum += size;
    return sum;
  }
}

/** Installs the kernels for the tests of a file, over an allocator that is watched. */
export function withWatchedHeap(): { watch: HeapWatch } {
  const result = {} as { watch: HeapWatch };
  let handle: WasmAcceleration | undefined;
  beforeAll(async () => {
    await tf.setBackend('wasm');
    result.watch = new HeapWatch();
    handle = await accelerateWasm();
    expect(handle.warning).toBe('');
  });
  afterAll(() => handle?.dispose());
  return result;
}
