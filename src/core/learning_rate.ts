import type { Optimizer } from '@tensorflow/tfjs-core';

/** Base learning rates of the optimizers that a schedule has in hand, and how many schedules hold each. */
const held = new WeakMap<Optimizer, { base: number; holders: number }>();

/** The learning rate an optimizer uses now. */
export function getLearningRate(optimizer: Optimizer): number {
  const rate: unknown = Reflect.get(optimizer, 'learningRate');
  if (typeof rate === 'number') return rate;
  throw new Error(`${optimizer.getClassName()}: learningRate must be a number on the optimizer, received ${rate}.`);
}

/**
 * Sets the learning rate of any tfjs optimizer from now on.
 *
 * SGD and momentum keep a copy in a tensor and have `setLearningRate`; Adam and the others read the property at each
 * step and have no setter (no tfjs issue was found that asks for one).
 */
export function setLearningRate(optimizer: Optimizer, rate: number): void {
  const setter: unknown = Reflect.get(optimizer, 'setLearningRate');
  if (typeof setter === 'function') setter.call(optimizer, rate);
  else Reflect.set(optimizer, 'learningRate', rate);
}

/** The learning rate that the user chose, also while a schedule has changed it. */
export function baseLearningRate(optimizer: Optimizer): number {
  return held.get(optimizer)?.base ?? getLearningRate(optimizer);
}

/** Remembers the learning rate; the returned function puts it back when the last holder lets go. */
export function holdLearningRate(optimizer: Optimizer): () => void {
  const entry = held.get(optimizer) ?? { base: getLearningRate(optimizer), holders: 0 };
  entry.holders++;
  held.set(optimizer, entry);
  let released = false;
  return () => {
    if (released) return;
    released = true;
    entry.holders--;
    if (entry.holders > 0) return;
    held.delete(optimizer);
    setLearningRate(optimizer, entry.base);
  };
}
