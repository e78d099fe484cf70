import {
  AdamOptimizer,
  engine,
  getBackend,
  getKernel,
  MomentumOptimizer,
  mul,
  type Optimizer,
  SGDOptimizer,
  Tensor,
  tidy,
  Variable,
  variable,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { takeBlend } from '../../core/update_blend.js';
import { runFused } from '../../ops/fused.js';

type Gradients = Parameters<Optimizer['applyGradients']>[0];

/** A variable and its gradient, in the order of the optimizer's slots; null for one that has no part in the loss. */
interface Entry {
  readonly name: string;
  readonly value: Variable;
  readonly gradient: Tensor | null;
}

/** A step over all variables. Returns whether it could be done; if not, nothing was changed. */
type Step = (optimizer: Optimizer, entries: readonly Entry[]) => boolean;

/** An optimizer's slots, as tfjs names and keeps them: by position. */
type Slots = ({ originalName: string; variable: Variable } | undefined)[];

/**
 * Lets the SGD, momentum and Adam optimizers of tfjs take each variable's step in one kernel, in one pass over memory,
 * instead of up to fifteen; decay and scale of an optimizer hook included, so AdamW too is one pass. Slots, counters and
 * their names are those of tfjs, so saving and hooks work as before.
 *
 * Where the backend has no such kernel, or a variable, gradient or field is not what it is in tfjs 4.22, the stock step
 * runs. The returned function puts the stock methods back; somebody's own methods in their place stay.
 */
export function accelerateOptimizers(): () => void {
  const undo = [
    replaceStep(SGDOptimizer.prototype, 'LLFSgdStep', sgd),
    replaceStep(MomentumOptimizer.prototype, 'LLFMomentumStep', momentum),
    replaceStep(AdamOptimizer.prototype, 'LLFAdamStep', adam),
  ];
  return () => {
    for (const one of undo) one();
  };
}

function replaceStep(prototype: Optimizer, kernel: string, step: Step): () => void {
  const stock = prototype.applyGradients;
  const fast = function (this: Optimizer, gradients: Gradients): void {
    const entries = getKernel(kernel, getBackend()) && entriesOf(gradients);
    if (!entries || !tidy(() => step(this, entries))) stock.call(this, gradients);
  };
  prototype.applyGradients = fast;
  return () => {
    if (prototype.applyGradients === fast) prototype.applyGradients = stock;
  };
}

/** The variables with their gradients; undefined unless all are float32 and of one shape. */
function entriesOf(gradients: Gradients): Entry[] | undefined {
  const list: [string, unknown][] = Array.isArray(gradients)
    ? gradients.map(({ name, tensor }) => [name, tensor])
    : Object.entries(gradients);
  const entries: Entry[] = [];
  for (const [name, gradient] of list) {
    const value = engine().registeredVariables[name];
    if (value?.dtype !== 'float32') return undefined;
    if (gradient instanceof Tensor) {
      if (gradient.dtype !== 'float32' || gradient.shape.join() !== value.shape.join()) return undefined;
      entries.push({ name, value, gradient });
    } else if (gradient === null || gradient === undefined) entries.push({ name, value, gradient: null });
    else return undefined;
  }
  return entries;
}

const sgd: Step = (optimizer, entries) => {
  const factor: unknown = Reflect.get(optimizer, 'c');
  if (!(factor instanceof Tensor)) return false;
  for (const { name, value, gradient } of entries) {
    if (!gradient) continue;
    assign([value], runFused('LLFSgdStep', { value, gradient, factor }, { ...takeBlend(optimizer, name) }));
  }
  countStep(optimizer);
  return true;
};

const momentum: Step = (optimizer, entries) => {
  const factor: unknown = Reflect.get(optimizer, 'c');
  const keep: unknown = Reflect.get(optimizer, 'm');
  const slots = slotsOf(optimizer, 'accumulations', entries);
  if (!(factor instanceof Tensor && keep instanceof Tensor && slots)) return false;
  const nesterov = Reflect.get(optimizer, 'useNesterov') === true;
  entries.forEach(({ name, value, gradient }, i) => {
    const slot = slotAt(slots, i, `${name}/momentum`, value);
    if (!gradient) return;
    const inputs = { value, gradient, slot, factor, momentum: keep };
    assign([value, slot], runFused('LLFMomentumStep', inputs, { nesterov, ...takeBlend(optimizer, name) }));
  });
  countStep(optimizer);
  return true;
};

const adam: Step = (optimizer, entries) => {
  const [rate, beta1, beta2, epsilon] = ['learningRate', 'beta1', 'beta2', 'epsilon'].map((field) =>
    numberOf(optimizer, field),
  );
  const power1: unknown = Reflect.get(optimizer, 'accBeta1');
  const power2: unknown = Reflect.get(optimizer, 'accBeta2');
  const firsts = slotsOf(optimizer, 'accumulatedFirstMoment', entries);
  const seconds = slotsOf(optimizer, 'accumulatedSecondMoment', entries);
  if (rate === undefined || beta1 === undefined || beta2 === undefined || epsilon === undefined) return false;
  if (!(power1 instanceof Variable && power2 instanceof Variable && firsts && seconds)) return false;
  entries.forEach(({ name, value, gradient }, i) => {
    const first = slotAt(firsts, i, `${name}/m`, value);
    const second = slotAt(seconds, i, `${name}/v`, value);
    if (!gradient) return;
    const inputs = { value, gradient, first, second, power1, power2 };
    assign(
      [value, first, second],
      runFused('LLFAdamStep', inputs, { rate, beta1, beta2, epsilon, ...takeBlend(optimizer, name) }),
    );
  });
  power1.assign(mul(power1, beta1));
  power2.assign(mul(power2, beta2));
  countStep(optimizer);
  return true;
};

function numberOf(optimizer: Optimizer, field: string): number | undefined {
  const value: unknown = Reflect.get(optimizer, field);
  return typeof value === 'number' ? value : undefined;
}

/** The optimizer's list of slots; undefined if it is none, or a slot does not fit its variable. */
function slotsOf(optimizer: Optimizer, field: string, entries: readonly Entry[]): Slots | undefined {
  const slots: unknown = Reflect.get(optimizer, field);
  if (!Array.isArray(slots)) return undefined;
  const fits = entries.every(({ value }, i) => {
    const slot: unknown = slots[i]?.variable;
    if (slots[i] === undefined || slots[i] === null) return true;
    return slot instanceof Variable && slot.dtype === 'float32' && slot.shape.join() === value.shape.join();
  });
  return fits ? (slots as Slots) : undefined;
}

/** A variable's slot, made at its first step. */
function slotAt(slots: Slots, i: number, originalName: string, value: Variable): Variable {
  const slot = slots[i] ?? { originalName, variable: variable(zerosLike(value), false) };
  slots[i] = slot;
  return slot.variable;
}

function assign(variables: readonly Variable[], values: readonly Tensor[]): void {
  variables.forEach((variable, i) => {
    const value = values[i];
    if (value) variable.assign(value);
  });
}

/** `incrementIterations` of tfjs, which is protected. */
function countStep(optimizer: Optimizer): void {
  Reflect.set(optimizer, 'iterations_', optimizer.iterations + 1);
}
