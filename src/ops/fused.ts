import { engine, getBackend, getKernel, type NamedAttrMap, type Tensor } from '@tensorflow/tfjs-core';

/**
 * Runs a kernel of this library where the current backend has it; returns undefined elsewhere, and the caller composes
 * the operation from those of tfjs. Without a gradient: call it from the forward and backward of a custom one.
 */
export function runFused(name: string, inputs: Record<string, Tensor>, attrs: NamedAttrMap = {}): Tensor[] | undefined {
  if (getKernel(name, getBackend()) === undefined) return undefined;
  const output = engine().runKernel(name, inputs, attrs) as Tensor | Tensor[];
  return Array.isArray(output) ? output : [output];
}
