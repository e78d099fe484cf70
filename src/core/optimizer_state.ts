import { type Optimizer, scalar, type Tensor, Variable, variable } from '@tensorflow/tfjs-core';
import { LayersModel } from '@tensorflow/tfjs-layers';
import { argumentError } from './checks.js';
import { baseLearningRate } from './learning_rate.js';
import { type ModelWeight, weightsByVariable } from './model_weights.js';

/**
 * The memory of an optimizer, read from its own fields. tfjs offers `getWeights` and `setWeights`
 * (https://github.com/tensorflow/tfjs/issues/5138), but these find slots by position only, leave the old ones
 * undisposed, recompute Adam's bias correction with a rounding of its own and do not exist for Adamax.
 */

/** One slot (a momentum, a moment) of one weight. */
interface Slot {
  originalName: string;
  variable: Variable;
}

/** A slot, with the weight it belongs to. */
export interface OptimizerSlot {
  /** Field of the optimizer, as in `accumulatedFirstMoment`. */
  readonly field: string;
  readonly weight: ModelWeight;
  readonly value: Tensor;
}

function isSlotList(value: unknown): value is Slot[] {
  return Array.isArray(value) && value.every((slot) => slot?.variable instanceof Variable);
}

/** The fields that hold slots. */
function slotLists(optimizer: Optimizer): [string, Slot[]][] {
  return Object.entries(optimizer).filter((entry): entry is [string, Slot[]] => isSlotList(entry[1]));
}

/** The fields that hold one variable for the whole optimizer, as Adam's `accBeta1`. */
export function optimizerCounters(optimizer: Optimizer): [string, Variable][] {
  return Object.entries(optimizer).filter((entry): entry is [string, Variable] => entry[1] instanceof Variable);
}

/**
 * The weights in the order in which `fit` hands them to the optimizer, which keeps its slots by position: the trainable
 * weights at the time of `compile`.
 */
export function trainedWeights(model: LayersModel): ModelWeight[] {
  const inner: unknown = Reflect.get(model, 'model');
  const compiled = inner instanceof LayersModel ? inner : model;
  const collected: unknown = Reflect.get(compiled, 'collectedTrainableWeights');
  const list = Array.isArray(collected) ? (collected as LayersModel['trainableWeights']) : model.trainableWeights;
  const weights = weightsByVariable(model);
  return list.map((weight) => weights.get(weight.name)).filter((weight) => weight !== undefined);
}

/** All slots of the optimizer of a compiled model; the values are the live variables. */
export function optimizerSlots(model: LayersModel): OptimizerSlot[] {
  const weights = trainedWeights(model);
  return slotLists(model.optimizer).flatMap(([field, slots]) =>
    slots.flatMap((slot, i) => {
      const weight = weights[i];
      return weight ? [{ field, weight, value: slot.variable }] : [];
    }),
  );
}

/** Name of the optimizer's class and its options, apart from the learning rate. */
export function optimizerConfig(optimizer: Optimizer): Record<string, number | boolean | string | null> {
  const config: Record<string, number | boolean | string | null> = { className: optimizer.getClassName() };
  for (const [key, value] of Object.entries(optimizer.getConfig())) {
    if (key === 'learningRate') continue;
    if (value === null || ['number', 'boolean', 'string'].includes(typeof value)) config[key] = value as number;
  }
  return config;
}

/** Step count and base learning rate. */
export function optimizerNumbers(optimizer: Optimizer): { iterations: number; learningRate: number } {
  return { iterations: optimizer.iterations, learningRate: baseLearningRate(optimizer) };
}

/** Puts slots into the optimizer, by field and by the key of their weight; the old ones are disposed. */
export function setOptimizerSlots(model: LayersModel, slots: ReadonlyMap<string, ReadonlyMap<string, Tensor>>): void {
  const { optimizer } = model;
  const weights = trainedWeights(model);
  for (const [field, old] of slotLists(optimizer)) {
    const saved = slots.get(field);
    for (const slot of old) slot.variable.dispose();
    const list: Slot[] = [];
    if (saved && saved.size > 0) {
      for (const weight of weights) {
        const value = saved.get(weight.key);
        if (!value) throw new Error(`setOptimizerSlots: ${field} must hold "${weight.key}", received no such slot.`);
        list.push({ originalName: `${weight.variable.name}/${field}`, variable: variable(value, false) });
      }
    }
    Reflect.set(optimizer, field, list);
  }
}

/** Sets the step count. */
export function setIterations(optimizer: Optimizer, iterations: number): void {
  Reflect.set(optimizer, 'iterations_', iterations);
}

/**
 * Throws unless {@link resetOptimizer} finds the memory of this optimizer: it must keep slots in fields as tfjs's own
 * optimizers do, or be plain SGD, which remembers nothing.
 */
export function requireSlots(owner: string, optimizer: Optimizer): void {
  if (optimizer.getClassName() === 'SGD' || slotLists(optimizer).length > 0) return;
  throw argumentError(
    owner,
    'optimizer',
    'one of tfjs, or one that keeps its slots as they do',
    optimizer.getClassName(),
  );
}

/**
 * Makes an optimizer forget everything, as if it were new: momenta, moments, bias-correction counters, step count. Its
 * options and learning rate stay.
 */
export function resetOptimizer(optimizer: Optimizer): void {
  for (const [field, slots] of slotLists(optimizer)) {
    for (const slot of slots) slot.variable.dispose();
    Reflect.set(optimizer, field, []);
  }
  for (const [field, counter] of optimizerCounters(optimizer)) {
    // Adam and Adamax start accBeta1 at beta1 (accBeta2 at beta2), Adamax its iteration at 0.
    const beta: unknown = Reflect.get(optimizer, field.replace('accB', 'b'));
    const fresh = scalar(typeof beta === 'number' ? beta : 0);
    counter.assign(fresh);
    fresh.dispose();
  }
  setIterations(optimizer, 0);
}
