import { type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { guardAllocator, memoryOf, missingInternals, type WasmBackend } from './backend.js';
import { instantiateKernels, type KernelFunctions, type Simd } from './module.js';

/** What a kernel works with: the compiled functions, addresses of tensors, outputs, scratch memory. */
export class KernelHost {
  readonly functions: KernelFunctions;
  /** Puts the backend's own allocator back. */
  readonly dispose: () => void;
  /** The outputs of the kernel that runs. */
  private made: TensorInfo[] = [];

  constructor(
    private readonly backend: WasmBackend,
    simd: Simd,
  ) {
    const memory = memoryOf(backend);
    if (!memory) throw new Error('KernelHost: backend must have a memory, received one without.');
    this.functions = instantiateKernels(simd, memory);
    this.dispose = guardAllocator(backend.wasm, memory);
  }

  /**
   * Runs a kernel, all or none: where it throws, as when memory ends at a later output or at its scratch, or returns
   * nothing, the outputs that it has made are freed.
   */
  run<T>(kernel: () => T | undefined): T | undefined {
    let result: T | undefined;
    try {
      result = kernel();
      return result;
    } finally {
      const made = this.made;
      this.made = [];
      if (result === undefined) for (const { dataId } of made) this.backend.disposeData(dataId);
    }
  }

  /** Calls a compiled function. */
  call(name: string, ...args: number[]): number {
    const run = this.functions[name];
    if (!run) throw new Error(`KernelHost: kernel must be a compiled function, received "${name}".`);
    return run(...args);
  }

  /** Byte address of a tensor. Ask again after each new output: nothing moves, but nothing should be kept either. */
  pointer({ dataId }: TensorInfo): number {
    return this.backend.dataIdMap.get(dataId).memoryOffset >>> 0;
  }

  /** A new tensor, its values undefined. Throws if the memory is exhausted. */
  output(shape: readonly number[], dtype: DataType = 'float32'): TensorInfo {
    const pointer = this.backend.wasm._malloc(util.sizeFromShape([...shape]) * util.bytesPerElement(dtype)) >>> 0;
    const output = this.backend.makeOutput([...shape], dtype, pointer);
    this.made.push(output);
    return output;
  }

  /** A tensor with the values of another one: no values are copied, as none ever change. */
  share({ dataId, dtype }: TensorInfo, shape: readonly number[]): TensorInfo {
    this.backend.incRef(dataId);
    return { dataId, shape: [...shape], dtype };
  }

  /** Hands out scratch memory for the length of a call. Throws if the memory is exhausted. */
  withScratch<T>(bytes: number, use: (pointer: number) => T): T {
    const pointer = this.backend.wasm._malloc(bytes) >>> 0;
    try {
      return use(pointer);
    } finally {
      this.backend.wasm._free(pointer);
    }
  }
}

/** One host per backend, also when the backend was removed and came back. */
const hosts = new WeakMap<object, KernelHost>();

/** The host of a backend; none where its internals are not those that kernels need. */
export function hostOf(backend: object, simd: Simd): KernelHost | undefined {
  const known = hosts.get(backend);
  if (known) return known;
  if (missingInternals(backend)) return undefined;
  const host = new KernelHost(backend as WasmBackend, simd);
  hosts.set(backend, host);
  return host;
}

/** Leaves a backend as it was before it had a host. */
export function releaseHost(backend: object): void {
  hosts.get(backend)?.dispose();
  hosts.delete(backend);
}
