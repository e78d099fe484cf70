import { dispose, keep, mul, type Tensor, tensor, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { argumentError } from '../core/checks.js';
import { hookOptimizer } from '../core/optimizer_hook.js';
import type { ForgetMemory, ForgetOperation } from './operation.js';

/** A user's own way of forgetting: changes the model at the start of a generation, from 1 on. */
export type ForgetFunction = (model: LayersModel, generation: number) => void | Promise<void>;

/** Runs an operation on a model: the effect, apart from when it is due. */
export class ForgetSession {
  readonly memory: ForgetMemory = new Map();
  private masks = new Map<string, Tensor>();
  private frozen: ReadonlySet<Variable> = new Set();

  constructor(
    private readonly model: LayersModel,
    private readonly operation: ForgetOperation,
    private readonly context: { seed: number; generations: number },
  ) {}

  begin(): void | Promise<void> {
    const { model, memory } = this;
    return this.operation.begin?.({ model, memory, ...this.context, generation: 0 });
  }

  async forget(generation: number): Promise<void> {
    const { model, memory } = this;
    await this.operation.forget({ model, memory, ...this.context, generation });
    this.hold(generation);
  }

  /** After a batch nothing is due any more. */
  settle(): void {
    for (const key of [...this.memory.keys()]) if (key.startsWith('due:')) this.memory.delete(key);
  }

  /** Goes on in a generation, with the memory of the training that stopped. */
  resume(generation: number): void {
    const { model, memory } = this;
    if ([...memory.keys()].some((key) => key.startsWith('due:')))
      this.operation.resume?.({ model, memory, ...this.context, generation });
    this.hold(generation);
  }

  /** Makes ready what holds between forgettings. */
  private hold(generation: number): void {
    this.release();
    for (const [key, { values, shape }] of this.memory) {
      if (key.startsWith('held:')) this.masks.set(key.slice(5), keep(tensor(values as Uint8Array, shape, 'float32')));
    }
    this.frozen = (generation > 0 && this.operation.frozen?.(this.model)) || new Set();
  }

  /** Hooks it into the optimizer; the returned function takes it out. */
  hook(optimizer: LayersModel['optimizer']): () => void {
    const unhook = hookOptimizer(optimizer, this.model, {
      scale: ({ variable }) => (this.frozen.has(variable) ? 0 : 1),
      finish: ({ key }, updated) => {
        const mask = this.masks.get(key);
        return mask ? mul(updated, mask) : updated;
      },
    });
    return () => {
      unhook();
      this.release();
    };
  }

  private release(): void {
    dispose([...this.masks.values()]);
    this.masks.clear();
  }
}

/** A function of the user's as an operation. */
export function asOperation(owner: string, operation: ForgetOperation | ForgetFunction): ForgetOperation {
  if (typeof operation === 'function') {
    const forget: ForgetOperation['forget'] = ({ model, generation }) => operation(model, generation);
    return { name: 'a function', options: {}, resetOptimizer: true, forget };
  }
  if (typeof operation?.forget === 'function') return operation;
  throw argumentError(owner, 'operation', 'a forgetting operation or a function', operation);
}
