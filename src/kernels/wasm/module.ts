import { binaries } from '../../generated/wasm_kernels.js';
import { applyPatch } from './patch.js';

/** Which instructions the kernels use: SIMD, or relaxed SIMD with its fused multiply-add. */
export type Simd = 'base' | 'relaxed';

/** What the compiled kernels export: functions of numbers. Pointers are byte addresses in the backend's memory. */
export type KernelFunctions = Readonly<Record<string, (...args: number[]) => number>>;

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

let base: Uint8Array<ArrayBuffer> | undefined;

/** Unpacks the kernels, which comes before all else here. Throws where the machine cannot inflate. */
export async function unpackKernels(): Promise<void> {
  if (base) return;
  const packed = new Blob([decode(binaries.base)]).stream();
  base = new Uint8Array(await new Response(packed.pipeThrough(new DecompressionStream('deflate'))).arrayBuffer());
}

/** The binary for a kind of SIMD; the relaxed one is kept as a patch of the other. */
function binaryOf(simd: Simd): Uint8Array<ArrayBuffer> {
  if (!base) throw new Error('binaryOf: kernels must be unpacked first, received none.');
  return simd === 'base' ? base : applyPatch(base, decode(binaries.relaxedPatch));
}

/** The best kind of SIMD that this machine takes; undefined where it takes none. */
export function supportedSimd(): Simd | undefined {
  if (WebAssembly.validate(binaryOf('relaxed'))) return 'relaxed';
  return WebAssembly.validate(binaryOf('base')) ? 'base' : undefined;
}

/** Compiled once per kind of SIMD and of memory. */
const compiled = new Map<string, WebAssembly.Module>();

/** The kernels, working in the given memory. Throws where a page's policy forbids compiling (`wasm-unsafe-eval`). */
export function instantiateKernels(simd: Simd, memory: WebAssembly.Memory): KernelFunctions {
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  const key = `${simd}/${shared}`;
  let module = compiled.get(key);
  if (!module) {
    const bytes = binaryOf(simd);
    module = new WebAssembly.Module(shared ? withSharedMemory(bytes) : bytes);
    compiled.set(key, module);
  }
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as KernelFunctions;
}

/** The same module for the memory of the threaded build: one bit in the limits of the memory import. */
function withSharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  // "env", "memory", kind 2 (memory), limits: 1 has a maximum, 3 is shared too.
  const pattern = [3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 1];
  const place = bytes.findIndex((_, i) => pattern.every((byte, j) => bytes[i + j] === byte));
  if (place < 0) throw new Error('withSharedMemory: kernels must import their memory, received a module without.');
  const shared = bytes.slice();
  shared[place + pattern.length - 1] = 3;
  return shared;
}
