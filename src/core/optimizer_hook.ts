import { add, clone, mul, type Optimizer, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type ModelWeight, weightsByVariable } from './model_weights.js';
import { offerBlends, type UpdateBlend } from './update_blend.js';

/** A weight and the gradient of the loss with respect to it. */
export interface WeightGradient {
  readonly weight: ModelWeight;
  readonly gradient: Tensor;
}

/**
 * What a hook may do around one optimizer step. The phases run in the order of the fields, each for all hooks before
 * the next, so that the order in which callbacks are listed does not matter. A weight whose gradient is null (it has no
 * part in the loss, or is frozen) takes no step: only `finish` sees it.
 */
export interface OptimizerHook {
  /** New gradients for the whole list, in its order (a global norm needs all of them). */
  readonly clip?: (gradients: readonly WeightGradient[]) => Tensor[];
  /** Factor of all decay of a weight in this step, coupled (`penalize`) or not (`decay`); 0 switches it off. */
  readonly decayFactor?: (weight: ModelWeight) => number;
  /** The gradient with something added to it, which is to be multiplied by the step's `decayFactor`. */
  readonly penalize?: (weight: ModelWeight, gradient: Tensor, decayFactor: number) => Tensor;
  /** The share of its old value that a weight loses in this step, whatever the optimizer does. */
  readonly decay?: (weight: ModelWeight) => number;
  /** Factor of the whole update, decay included: new = old + scale * (updated - old); negative reflects it. */
  readonly scale?: (weight: ModelWeight) => number;
  /** The last word on the new value, as a mask has it. */
  readonly finish?: (weight: ModelWeight, updated: Tensor) => Tensor;
}

type Gradients = Parameters<Optimizer['applyGradients']>[0];

interface BoundHook {
  readonly hook: OptimizerHook;
  readonly weights: Map<string, ModelWeight>;
}

interface Wrapped {
  readonly hooks: Set<BoundHook>;
  readonly wrapper: Optimizer['applyGradients'];
  readonly own: PropertyDescriptor | undefined;
}

const wrapped = new WeakMap<Optimizer, Wrapped>();

/**
 * Puts a hook around `optimizer.applyGradients` for the weights of one model; weights of other models that share the
 * optimizer pass untouched. Works for every optimizer, in `fit` and in custom loops. The returned function removes the
 * hook; when the last one is gone, the optimizer is as it was.
 *
 * tfjs optimizers have neither weight decay nor parameter groups nor clipping, and `fit` does not apply a layer's
 * constraints (https://github.com/tensorflow/tfjs/issues/3345), so `applyGradients` is where a method can act.
 */
export function hookOptimizer(optimizer: Optimizer, model: LayersModel, hook: OptimizerHook): () => void {
  const state = wrapped.get(optimizer) ?? wrap(optimizer);
  const bound: BoundHook = { hook, weights: weightsByVariable(model) };
  state.hooks.add(bound);
  return () => {
    if (state.hooks.delete(bound) && state.hooks.size === 0) unwrap(optimizer, state);
  };
}

function wrap(optimizer: Optimizer): Wrapped {
  const own = Object.getOwnPropertyDescriptor(optimizer, 'applyGradients');
  const stock = own && optimizer.applyGradients;
  // What its class has now: `accelerateWasm` may come or go while hooks stay.
  const { prototype } = optimizer.constructor as { prototype: Optimizer };
  const inner = (gradients: Gradients): void => (stock ?? prototype.applyGradients).call(optimizer, gradients);
  const hooks = new Set<BoundHook>();
  const wrapper = (gradients: Gradients): void => {
    if (hooks.size === 0) inner(gradients);
    else tidy(() => step(optimizer, [...hooks], gradients, inner));
  };
  const state: Wrapped = { hooks, wrapper, own };
  optimizer.applyGradients = wrapper;
  wrapped.set(optimizer, state);
  return state;
}

function unwrap(optimizer: Optimizer, { wrapper, own }: Wrapped): void {
  wrapped.delete(optimizer);
  // Somebody wrapped or replaced the wrapper: theirs stays. Ours without hooks only passes on; a new hook wraps anew.
  if (optimizer.applyGradients !== wrapper) return;
  if (own) Object.defineProperty(optimizer, 'applyGradients', own);
  else Reflect.deleteProperty(optimizer, 'applyGradients');
}

function step(
  optimizer: Optimizer,
  hooks: readonly BoundHook[],
  gradients: Gradients,
  inner: (gradients: Gradients) => void,
): void {
  const tensors = new Map<string, Tensor | null>(
    Array.isArray(gradients)
      ? gradients.map(({ name, tensor }) => [name, tensor ?? null])
      : Object.entries(gradients).map(([name, tensor]) => [name, tensor ?? null]),
  );
  changeGradients(hooks, tensors);
  const updates = planUpdates(hooks, tensors);
  const blends = new Map(updates.flatMap((update) => (update.previous ? [[update.weight.variable.name, update]] : [])));
  const left = offerBlends(optimizer, blends, () => inner(withTensors(gradients, tensors)));
  for (const update of updates) applyUpdate(update, left.has(update.weight.variable.name));
}

/** Phases `clip` and `penalize`, in place. */
function changeGradients(hooks: readonly BoundHook[], tensors: Map<string, Tensor | null>): void {
  for (const { hook, weights } of hooks) {
    if (!hook.clip) continue;
    const list: WeightGradient[] = [];
    for (const [name, gradient] of tensors) {
      const weight = weights.get(name);
      if (weight && gradient) list.push({ weight, gradient });
    }
    const clipped = hook.clip(list);
    list.forEach(({ weight }, i) => {
      tensors.set(weight.variable.name, clipped[i] as Tensor);
    });
  }
  for (const { hook, weights } of hooks) {
    if (!hook.penalize) continue;
    for (const [name, gradient] of tensors) {
      const weight = weights.get(name);
      if (weight && gradient) tensors.set(name, hook.penalize(weight, gradient, decayFactor(hooks, name)));
    }
  }
}

/** Product of what the hooks say of one weight. */
function decayFactor(hooks: readonly BoundHook[], name: string): number {
  let factor = 1;
  for (const { hook, weights } of hooks) {
    const weight = hook.decayFactor && weights.get(name);
    if (weight) factor *= hook.decayFactor?.(weight) ?? 1;
  }
  return factor;
}

/** The gradients in the form in which they came, in their order: optimizers keep their slots by position. */
function withTensors(gradients: Gradients, tensors: ReadonlyMap<string, Tensor | null>): Gradients {
  if (Array.isArray(gradients)) {
    return gradients.map(({ name }) => ({ name, tensor: tensors.get(name) as Tensor }));
  }
  return Object.fromEntries([...tensors].map(([name, tensor]) => [name, tensor as Tensor]));
}

interface Update extends UpdateBlend {
  readonly weight: ModelWeight;
  /** The value before the step; only where something needs it. */
  readonly previous: Tensor | undefined;
  readonly finish: NonNullable<OptimizerHook['finish']>[];
}

function planUpdates(hooks: readonly BoundHook[], tensors: ReadonlyMap<string, Tensor | null>): Update[] {
  const updates: Update[] = [];
  for (const [name, gradient] of tensors) {
    let decay = 0;
    let scale = 1;
    let weight: ModelWeight | undefined;
    const finish: Update['finish'] = [];
    for (const { hook, weights } of hooks) {
      const mine = weights.get(name);
      if (!mine) continue;
      weight = mine;
      if (gradient) {
        decay += hook.decay?.(mine) ?? 0;
        scale *= hook.scale?.(mine) ?? 1;
      }
      if (hook.finish) finish.push(hook.finish);
    }
    if (decay !== 0) decay *= decayFactor(hooks, name);
    if (!weight || (decay === 0 && scale === 1 && finish.length === 0)) continue;
    const previous = decay !== 0 || scale !== 1 ? clone(weight.variable) : undefined;
    updates.push({ weight, previous, decay, scale, finish });
  }
  return updates;
}

function applyUpdate({ weight, previous, decay, scale, finish }: Update, blends: boolean): void {
  let value: Tensor = weight.variable;
  if (previous && blends) {
    if (scale === 0) value = previous;
    else {
      if (decay !== 0) value = sub(value, mul(previous, decay));
      if (scale !== 1) value = add(previous, mul(sub(value, previous), scale));
    }
  }
  for (const last of finish) value = last(weight, value);
  if (value !== weight.variable) weight.variable.assign(value);
}
