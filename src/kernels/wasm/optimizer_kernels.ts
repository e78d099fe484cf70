import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { areFloats, inputOf, type KernelCall, type WasmKernel } from './kernel.js';

/** A kernel that makes new values of the first `outputs` of its inputs from all of them, and from some numbers. */
function step(
  name: string,
  run: string,
  inputs: readonly string[],
  outputs: readonly string[],
  numbers: (attrs: KernelCall['attrs']) => number[],
): WasmKernel {
  return {
    name,
    run: (call) => {
      const { host, attrs } = call;
      const tensors = inputs.map((input) => inputOf(call, input));
      if (!areFloats(...tensors)) return undefined;
      const results: TensorInfo[] = outputs.map((output) => host.output(inputOf(call, output).shape));
      const pointers = [...tensors, ...results].map((tensor) => host.pointer(tensor));
      host.call(run, ...pointers, util.sizeFromShape(inputOf(call, 'value').shape), ...numbers(attrs));
      return results;
    },
  };
}

/** How a step is blended with the old value; see `UpdateBlend`. */
function blendOf({ decay, scale }: KernelCall['attrs']): number[] {
  return [decay as number, scale as number];
}

/**
 * `LLFSgdStep`: `value`, `gradient`, `factor` (minus the learning rate) → value. `LLFMomentumStep`: besides, `slot` and
 * `momentum` → value, slot. `LLFAdamStep`: `value`, `gradient`, the moments `first` and `second`, and the powers of the
 * betas → value, first, second.
 */
export const optimizerKernels: readonly WasmKernel[] = [
  step('LLFSgdStep', 'sgdStep', ['value', 'gradient', 'factor'], ['value'], blendOf),
  step(
    'LLFMomentumStep',
    'momentumStep',
    ['value', 'gradient', 'slot', 'factor', 'momentum'],
    ['value', 'slot'],
    ({ nesterov, ...blend }) => [nesterov === true ? 1 : 0, ...blendOf(blend)],
  ),
  step(
    'LLFAdamStep',
    'adamStep',
    ['value', 'gradient', 'first', 'second', 'power1', 'power2'],
    ['value', 'first', 'second'],
    ({ rate, beta1, beta2, epsilon, ...blend }) => {
      const [b1, b2] = [beta1 as number, beta2 as number];
      return [rate as number, b1, b2, 1 - b1, 1 - b2, epsilon as number, ...blendOf(blend)];
    },
  ),
];
