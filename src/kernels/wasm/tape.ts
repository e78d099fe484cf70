import { dispose, engine } from '@tensorflow/tfjs-core';

/**
 * Lets a gradient that throws free what its forward pass has saved. tfjs frees it after success only, so that a training
 * step in which memory ends takes the activations with it for good. The returned function undoes it.
 */
export function freeFailedTapes(): () => void {
  const runner = engine();
  const { state } = runner;
  const stock = runner.gradients;
  const ours: typeof stock = (...all) => {
    try {
      return stock.apply(runner, all) as never;
    } catch (failure) {
      // A gradient within the forward pass of another one leaves the tape to that.
      if (state.gradientDepth === 0) {
        for (const { saved } of state.activeTape ?? []) dispose(saved);
        state.activeTape = [];
      }
      throw failure;
    }
  };
  runner.gradients = ours;
  return () => {
    if (runner.gradients === ours) Reflect.deleteProperty(runner, 'gradients');
  };
}
