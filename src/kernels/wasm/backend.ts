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
    _malloc(bytes: number): number;
    _free(pointer: number): void;
  };
  readonly dataIdMap: { get(dataId: DataId): { readonly memoryOffset: number } };
  /** Notes that one more tensor has these values. */
  incRef(dataId: DataId): void;
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
  const { wasm, dataIdMap, incRef, makeOutput } = backend as Partial<WasmBackend>;
  if (!isObject(wasm)) return 'its module';
  if (typeof wasm._malloc !== 'function' || typeof wasm._free !== 'function') return 'its allocator';
  if (!isObject(dataIdMap) || typeof dataIdMap.get !== 'function') return 'its table of tensors';
  if (typeof incRef !== 'function') return 'its count of references';
  if (typeof makeOutput !== 'function') return 'its way to make outputs';
  return memoryOf(backend as unknown as WasmBackend) ? '' : 'its memory';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
