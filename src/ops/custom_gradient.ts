import { customGrad, type Tensor } from '@tensorflow/tfjs-core';

/**
 * An operation with a hand-written gradient: `customGrad` with plain types.
 *
 * `forward` gets the inputs and names what to save; `backward` gets the gradient of the value and the saved tensors, and
 * computes the gradients of all inputs at once, in their order.
 *
 * First order only: to a gradient of the gradient, what `forward` saved is constant.
 */
export function withGradient<Inputs extends Tensor[], Saved extends Record<string, Tensor>>(
  inputs: [...Inputs],
  forward: (...inputs: Inputs) => { value: Tensor; saved: Saved },
  backward: (dy: Tensor, saved: Saved) => Tensor[],
): Tensor {
  return customGrad((...args) => {
    const save = args[args.length - 1] as unknown as (tensors: Tensor[]) => void;
    const { value, saved } = forward(...(args.slice(0, -1) as Inputs));
    save(Object.values(saved));
    const names = Object.keys(saved);
    return {
      value,
      gradFunc: (dy, kept) => backward(dy, Object.fromEntries(names.map((name, i) => [name, kept[i]])) as Saved),
    };
  })(...inputs);
}
