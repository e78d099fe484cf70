import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';

type DataId = TensorInfo['dataId'];

/**
 * The internals of the WASM backend of tfjs 4.22 that kernels need. They are no public interface, so everything is
 * looked for before it is used.
 */
export interface WasmBackend {
  readonly wasm: {
    readonly asm?: { readonly memory?: unknown };
    readonly wasmMemory?: unknown;
    /** A property, since Emscripten puts it in place of a stub, and we a guard in place of it. */
    _malloc: (bytes: number) => number;
    _free(pointer: number): void;
  };
  readonly dataIdMap: { get(dataId: DataId): { readonly memoryOffset: number } };
  /** Notes that one more tensor has these values. */
  incRef(dataId: DataId): void;
  /** Notes that one tensor less has these values, and frees them after the last one. */
  disposeData(dataId: DataId): boolean;
  /** A tensor of memory that was allocated for it. */
  makeOutput(shape: number[], dtype: DataType, memoryOffset: number): TensorInfo;
}

/** The memory of a backend: `asm.memory`, or `wasmMemory` in the threaded build. */
export function memoryOf({ wasm }: WasmBackend): WebAssembly.Memory | undefined {
  for (const memory of [wasm.asm?.memory, wasm.wasmMemory]) {
    if (memory instanceof WebAssembly.Memory) return memory;
  }
  return undefined;
}

/** Why kernels cannot work with this backend: what is missing in it. Empty if they can. */
export function missingInternals(backend: unknown): string {
  if (!isObject(backend)) return 'a backend';
  const { wasm, dataIdMap, incRef, disposeData, makeOutput } = backend as Partial<WasmBackend>;
  if (!isObject(wasm)) return 'its module';
  if (typeof wasm._malloc !== 'function' || typeof wasm._free !== 'function') return 'its allocator';
  if (!isObject(dataIdMap) || typeof dataIdMap.get !== 'function') return 'its table of tensors';
  if (typeof incRef !== 'function' || typeof disposeData !== 'function') return 'its count of references';
  if (typeof makeOutput !== 'function') return 'its way to make outputs';
  return memoryOf(backend as unknown as WasmBackend) ? '' : 'its memory';
}

/** The size of the whole address space. */
const MOST = 2 ** 32;

/**
 * Lets the backend's allocator throw where memory ends. As it is, it returns 0, which tfjs takes for an address, takes the
 * rest of a larger size by 2^32, and near 4 GB it hands out blocks that reach past the end. Tensors would be written over
 * others. The returned function puts the allocator back; somebody's own in its place stays.
 */
export function guardAllocator(wasm: WasmBackend['wasm'], memory: WebAssembly.Memory): () => void {
  // What stands there before the first call is a stub, which would put the true function in our place.
  wasm._free(wasm._malloc(1));
  const stock = wasm._malloc;
  const guarded = (signed: number): number => {
    // Compiled functions tell sizes above 2 GB as negative numbers.
    const bytes = signed < 0 ? signed + MOST : signed;
    const pointer = bytes < MOST ? stock(bytes) >>> 0 : 0;
    const isWhole = pointer + bytes <= memory.buffer.byteLength;
    if (isWhole && (pointer > 0 || bytes === 0)) return pointer;
    // A block that is too small: the allocator has noted its true size.
    if (pointer > 0) wasm._free(pointer);
    throw new Error(
      `accelerateWasm: out of memory, ${bytes} bytes were asked for. Dispose tensors or use smaller batches.`,
    );
  };
  wasm._malloc = guarded;
  return () => {
    if (wasm._malloc === guarded) wasm._malloc = stock;
  };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
