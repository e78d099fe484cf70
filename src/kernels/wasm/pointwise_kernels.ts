import { ClipByValue, Erf, Exp, Tanh, util } from '@tensorflow/tfjs-core';
import { areFloats, inputOf, type KernelCall, type WasmKernel } from './kernel.js';

/** A kernel that takes tensors of one shape to one of that shape, number by number. */
function pointwise(
  name: string,
  inputs: readonly string[],
  run: string,
  numbers: (attrs: KernelCall['attrs']) => number[] = () => [],
): WasmKernel {
  return {
    name,
    run: (call) => {
      const { host } = call;
      const tensors = inputs.map((input) => inputOf(call, input));
      if (!areFloats(...tensors)) return undefined;
      const { shape } = inputOf(call, 'x');
      const out = host.output(shape);
      host.call(
        run,
        ...[...tensors, out].map((tensor) => host.pointer(tensor)),
        util.sizeFromShape(shape),
        ...numbers(call.attrs),
      );
      return out;
    },
  };
}

/**
 * `LLFGelu`: `x` → exact GELU of it. `LLFGeluGrad`: `x`, `dy` → `dx`. The other functions that the stock kernels compute
 * one number at a time; theirs of `Sigmoid` is fast.
 */
export const pointwiseKernels: readonly WasmKernel[] = [
  pointwise('LLFGelu', ['x'], 'gelu'),
  pointwise('LLFGeluGrad', ['x', 'dy'], 'geluGrad'),
  pointwise(Exp, ['x'], 'exponentials'),
  pointwise(Erf, ['x'], 'errorFunctions'),
  pointwise(Tanh, ['x'], 'hyperbolicTangents'),
  // Stock makes the least value of NaN.
  pointwise(ClipByValue, ['x'], 'clipped', ({ clipValueMin, clipValueMax }) => [
    Number(clipValueMin),
    Number(clipValueMax),
  ]),
];
