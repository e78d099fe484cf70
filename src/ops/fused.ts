import { engine, getBackend, getKernel, type NamedAttrMap, type Tensor } from '@tensorflow/tfjs-core';

/** Whether the current backend has a kernel of this library. */
export function hasFused(name: string): boolean {
  return getKernel(name, getBackend()) !== undefined;
}

/**
 * Runs a kernel of this library where the current backend has it and returns its outputs; elsewhere there are none, and
 * the caller composes the operation from those of tfjs. Without a gradient: call it from the forward and backward of a
 * custom one.
 */
export function runFused(name: string, inputs: Record<string, Tensor>, attrs: NamedAttrMap = {}): Tensor[] {
  if (!hasFused(name)) return [];
  const output = engine().runKernel(name, inputs, attrs) as Tensor | Tensor[];
  return Array.isArray(output) ? output : [output];
}
