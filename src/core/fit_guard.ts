import type { LayersModel } from '@tensorflow/tfjs-layers';

/** What to run when the `fit` that is under way on a model ends. */
const listeners = new WeakMap<LayersModel, Set<() => void>>();

function define(model: LayersModel, value: unknown): void {
  Object.defineProperty(model, 'isTraining', { value, writable: true, enumerable: true, configurable: true });
}

/**
 * Calls `listener` once when the `fit` or `fitDataset` under way on `model` ends in any way, an error included. The
 * returned function takes the listener back.
 *
 * tfjs does not call `onTrainEnd` when `fit` throws (no issue was found that says so; the callbacks' other defect is
 * https://github.com/tensorflow/tfjs/issues/1792), but both loops set `model.isTraining = false` in a `finally`. While
 * a listener waits, `isTraining` is an accessor of the model; afterwards it is the plain property it was.
 */
export function onFitEnd(model: LayersModel, listener: () => void): () => void {
  const known = listeners.get(model);
  if (known) known.add(listener);
  else watch(model, new Set([listener]));
  return () => {
    const waiting = listeners.get(model);
    if (!waiting?.delete(listener) || waiting.size > 0) return;
    listeners.delete(model);
    define(model, Reflect.get(model, 'isTraining'));
  };
}

function watch(model: LayersModel, waiting: Set<() => void>): void {
  listeners.set(model, waiting);
  let training: unknown = Reflect.get(model, 'isTraining');
  Object.defineProperty(model, 'isTraining', {
    configurable: true,
    enumerable: true,
    get: () => training,
    set: (value: unknown) => {
      training = value;
      if (value) return;
      listeners.delete(model);
      define(model, value);
      runAll([...waiting]);
    },
  });
}

/** Runs every listener, also after one that throws. */
function runAll(waiting: readonly (() => void)[]): void {
  const [first, ...rest] = waiting;
  if (!first) return;
  try {
    first();
  } finally {
    runAll(rest);
  }
}
