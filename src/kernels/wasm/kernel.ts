import {
  type GradFunc,
  getKernel,
  type KernelConfig,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import type { KernelHost } from './host.js';

/** What a kernel is called with. */
export interface KernelCall {
  readonly inputs: NamedTensorInfoMap;
  readonly attrs: NamedAttrMap;
  readonly host: KernelHost;
}

/** A kernel for the WASM backend. */
export interface WasmKernel {
  /** The kernel's name in tfjs, or `LLF...` for one that only this library's operations call. */
  readonly name: string;
  /** Computes, or returns nothing where the case is not its own (another dtype, say): the stock kernel then does. */
  readonly run: (call: KernelCall) => TensorInfo | TensorInfo[] | undefined;
  /** Its gradient, with all inputs saved, where tfjs has none: registered with the kernel, for all backends. */
  readonly gradient?: GradFunc;
}

/** The input of a name. */
export function inputOf({ inputs }: Pick<KernelCall, 'inputs'>, name: string): TensorInfo {
  const input = inputs[name];
  if (!input) throw new Error(`accelerateWasm: kernel must be given "${name}", received ${Object.keys(inputs)}.`);
  return input;
}

/** Whether all of these are float32: others are the stock kernel's. */
export function areFloats(...tensors: readonly (TensorInfo | undefined)[]): boolean {
  return tensors.every((tensor) => tensor === undefined || tensor.dtype === 'float32');
}

/** Whether a tensor's elements have four bytes, which a kernel may copy without a look at them. */
export function isPlain({ dtype }: TensorInfo): boolean {
  return dtype === 'float32' || dtype === 'int32';
}

/** The kernel that the WASM backend has of a name now. */
export function currentKernel(kernelName: string): KernelConfig | undefined {
  return getKernel(kernelName, 'wasm');
}

/**
 * Puts a kernel in the place of that of the WASM backend, if there is one; the returned function puts that back, unless
 * somebody has put another one in the place of ours.
 */
export function putKernel(kernelName: string, kernelFunc: KernelFunc): () => void {
  const before = currentKernel(kernelName);
  // With what the one before sets up, so that it also works in a backend that was removed and came back.
  const ours: KernelConfig = { ...before, kernelName, backendName: 'wasm', kernelFunc };
  if (before) unregisterKernel(kernelName, 'wasm');
  registerKernel(ours);
  return () => {
    if (currentKernel(kernelName) !== ours) return;
    unregisterKernel(kernelName, 'wasm');
    if (before) registerKernel(before);
  };
}
