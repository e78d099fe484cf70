import { type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { memoryOf, type WasmBackend } from './backend.js';
import { instantiateKernels, type KernelFunctions, type Simd } from './module.js';

/** What a kernel works with: the compiled functions, addresses of tensors, outputs, scratch memory. */
export class KernelHost {
  readonly functions: KernelFunctions;

  constructor(
    private readonly backend: WasmBackend,
    simd: Simd,
  ) {
    const memory = memoryOf(backend);
    if (!memory) throw new Error('KernelHost: backend must have a memory, received one without.');
    this.functions = instantiateKernels(simd, memory);
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

  /** A new tensor, its values undefined. Throws, with nothing lost, if the memory is exhausted. */
  output(shape: readonly number[], dtype: DataType = 'float32'): TensorInfo {
    const pointer = this.allocate(util.sizeFromShape([...shape]) * util.bytesPerElement(dtype));
    return this.backend.makeOutput([...shape], dtype, pointer);
  }

  /** A tensor with the values of another one: no values are copied, as none ever change. */
  share({ dataId, dtype }: TensorInfo, shape: readonly number[]): TensorInfo {
    this.backend.incRef(dataId);
    return { dataId, shape: [...shape], dtype };
  }

  /** Hands out scratch memory for the length of a call. */
  withScratch<T>(bytes: number, use: (pointer: number) => T): T {
    const pointer = this.allocate(bytes);
    try {
      return use(pointer);
    } finally {
      this.release(pointer);
    }
  }

  private allocate(bytes: number): number {
    const pointer = this.backend.wasm._malloc(bytes) >>> 0;
    if (pointer === 0 && bytes > 0) throw new Error(`accelerateWasm: out of memory, ${bytes} bytes were asked for.`);
    return pointer;
  }

  private release(pointer: number): void {
    this.backend.wasm._free(pointer);
  }
}

/** One host per backend, also when the backend was removed and came back. */
const hosts = new WeakMap<object, KernelHost>();

/** The host of a backend. */
export function hostOf(backend: object, simd: Simd): KernelHost {
  const known = hosts.get(backend);
  if (known) return known;
  const host = new KernelHost(backend as WasmBackend, simd);
  hosts.set(backend, host);
  return host;
}
