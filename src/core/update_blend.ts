import type { Optimizer } from '@tensorflow/tfjs-core';

/** How much of a step takes effect: new = old + scale * (stepped - decay * old - old). */
export interface UpdateBlend {
  readonly decay: number;
  readonly scale: number;
}

/** What hooks want of the step that runs, by the name of the variable. */
const wanted = new WeakMap<Optimizer, Map<string, UpdateBlend>>();

/**
 * Runs a step and tells which of the blends are left to do: a step that blends by itself, in its own pass over memory,
 * takes them with {@link takeBlend}; the steps of tfjs take none.
 */
export function offerBlends(
  optimizer: Optimizer,
  blends: Map<string, UpdateBlend>,
  step: () => void,
): ReadonlyMap<string, UpdateBlend> {
  wanted.set(optimizer, blends);
  try {
    step();
  } finally {
    wanted.delete(optimizer);
  }
  return blends;
}

/** The blend that a variable's step is to have, which the caller now takes upon itself. */
export function takeBlend(optimizer: Optimizer, variable: string): UpdateBlend {
  const blends = wanted.get(optimizer);
  const blend = blends?.get(variable) ?? { decay: 0, scale: 1 };
  blends?.delete(variable);
  return blend;
}
