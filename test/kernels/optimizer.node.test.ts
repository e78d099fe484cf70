import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelWeight } from '../../src/core/model_weights.js';
import { hookOptimizer, type OptimizerHook } from '../../src/core/optimizer_hook.js';
import { accelerateWasm, type WasmAcceleration } from '../../src/wasm/index.js';
import { numbers } from './both_backends.js';

const OPTIMIZERS: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  nesterov: () => tf.train.momentum(0.1, 0.7, true),
  adam: () => tf.train.adam(0.01),
  'adam with other numbers': () => tf.train.adam(0.3, 0.5, 0.9, 1e-3),
};

let handle: WasmAcceleration | undefined;

async function accelerate(wanted: boolean): Promise<void> {
  handle?.dispose();
  handle = wanted ? await accelerateWasm() : undefined;
}

beforeEach(async () => {
  await tf.setBackend('wasm');
});

afterEach(async () => {
  await accelerate(false);
  tf.disposeVariables();
});

/** What a run of an optimizer leaves: the weights after each step, its own weights, and how many tensors it has made. */
interface Run {
  readonly weights: number[][];
  readonly state: { name: string; values: number[] }[];
  readonly iterations: number;
  readonly tensors: number;
}

interface Plan {
  readonly shapes: readonly (readonly number[])[];
  /** For each step and weight, whether it has a gradient. */
  readonly steps: readonly (readonly boolean[])[];
  readonly named: boolean;
  readonly seed: number;
}

type Gradients = Parameters<tf.Optimizer['applyGradients']>[0];

/** Runs a plan; before each step, `prepare` may change something. */
async function run(
  optimizer: tf.Optimizer,
  { shapes, steps, named, seed }: Plan,
  prepare: (step: number) => void | Promise<void> = () => {},
): Promise<Run> {
  const values = (shape: readonly number[], key: number): tf.Tensor =>
    tf.tensor(numbers(tf.util.sizeFromShape([...shape]), seed + key), [...shape]);
  const before = tf.memory().numTensors;
  const variables = shapes.map((shape, i) => tf.tidy(() => tf.variable(values(shape, i), true, `weight${i}`)));
  const weights: number[][] = [];
  for (const [s, present] of steps.entries()) {
    await prepare(s);
    tf.tidy(() => {
      const list = variables.map(({ name, shape }, i) => ({
        name,
        tensor: (present[i] ? values(shape, 100 * s + i + 10) : null) as tf.Tensor,
      }));
      const record = Object.fromEntries(list.map(({ name, tensor }) => [name, tensor]));
      optimizer.applyGradients((named ? record : list) as Gradients);
    });
    weights.push(variables.flatMap((variable) => [...variable.dataSync()]));
  }
  const tensors = tf.memory().numTensors - before;
  const saved = await optimizer.getWeights();
  const state = saved.map(({ name, tensor }) => ({ name, values: [...tensor.dataSync()] }));
  saved[0]?.tensor.dispose();
  for (const variable of variables) variable.dispose();
  return { weights, state, iterations: optimizer.iterations, tensors };
}

const plans: fc.Arbitrary<Plan> = fc
  .record({
    shapes: fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }), { minLength: 1, maxLength: 4 }),
    count: fc.integer({ min: 1, max: 4 }),
    bits: fc.nat(2 ** 16 - 1),
    named: fc.boolean(),
    seed: fc.nat(),
  })
  .map(({ shapes, count, bits, named, seed }) => ({
    shapes,
    steps: Array.from({ length: count }, (_, s) => shapes.map((_, i) => ((bits >> (4 * s + i)) & 1) === 0)),
    named,
    seed,
  }));

const PLAN: Plan = { shapes: [[7], [3, 3], []], steps: new Array(5).fill([true, true, true]), named: false, seed: 5 };

describe.each(Object.entries(OPTIMIZERS))('%s', (_name, make) => {
  /** The plan with the stock step and with the fused one. */
  async function both(plan: Plan, during: Parameters<typeof run>[2] = () => {}): Promise<[Run, Run]> {
    await accelerate(false);
    const stock = await run(make(), plan, during);
    await accelerate(true);
    const ours = await run(make(), plan, during);
    return [ours, stock];
  }

  it('takes the very steps of stock, with the same slots, counts and number of tensors', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const [ours, stock] = await both(plan);
        expect(ours).toEqual(stock);
      }),
      { numRuns: 40 },
    );
  });

  it('can be switched on and off between steps', async () => {
    await accelerate(false);
    const stock = await run(make(), PLAN);
    const mixed = await run(make(), PLAN, (step) => accelerate(step % 2 === 1));
    expect(mixed).toEqual(stock);
  });

  it('goes on from saved weights', async () => {
    async function resumed(fast: boolean): Promise<Run> {
      await accelerate(fast);
      const [first, second] = [make(), make()];
      await run(first, PLAN);
      const saved = await first.getWeights();
      await second.setWeights(saved);
      return run(second, { ...PLAN, seed: 8 });
    }
    expect(await resumed(true)).toEqual(await resumed(false));
  });

  it('leaves clones of weights as they are, and what the stock kernels packed of them behind', async () => {
    await accelerate(true);
    const optimizer = make();
    const kernel = tf.tidy(() => tf.variable(tf.ones([3, 3, 4, 4]) as tf.Tensor4D, true, 'kernel'));
    const x = tf.ones([1, 4, 4, 4]) as tf.Tensor4D;
    const copy = tf.clone(kernel);
    const layer = (): number => tf.tidy(() => tf.sum(tf.conv2d(x, kernel, 1, 'same')).dataSync()[0] as number);
    const before = layer();
    tf.tidy(() => optimizer.applyGradients([{ name: 'kernel', tensor: tf.ones(kernel.shape) }]));
    expect([...copy.dataSync()]).toEqual(new Array(144).fill(1));
    const factor = kernel.dataSync()[0] as number;
    expect(factor).toBeLessThan(1);
    expect(layer() / before).toBeCloseTo(factor, 5);
  });

  it.each<[string, OptimizerHook]>([
    ['a decay', { decay: () => 0.1 }],
    ['a scale', { scale: () => -0.5 }],
    ['both', { decay: () => 0.01, scale: () => 1.5 }],
    ['a scale of 0', { decay: () => 0.1, scale: () => 0 }],
    ['a mask', { decay: () => 0.1, finish: (_, value) => tf.mul(value, 0.5) }],
  ])('takes the very steps of stock within a hook with %s, in as many passes as without', async (_, hook) => {
    async function hooked(fast: boolean): Promise<{ weights: number[][]; kernels: string[] }> {
      await accelerate(fast);
      const model = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [4] })] });
      model.compile({ optimizer: make(), loss: 'meanSquaredError' });
      const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
      for (const [i, variable] of variables.entries()) tf.tidy(() => variable.assign(gradient(variable, i)));
      const unhook = hookOptimizer(model.optimizer, model, hook);
      const { kernelNames } = await tf.profile(() => {
        for (let step = 0; step < 3; step++) {
          tf.tidy(() =>
            model.optimizer.applyGradients(
              variables.map((variable, i) => ({ name: variable.name, tensor: gradient(variable, 10 * step + i + 2) })),
            ),
          );
        }
      });
      unhook();
      const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
      model.dispose();
      return { weights, kernels: kernelNames };
    }
    const gradient = ({ shape, size }: tf.Variable, seed: number): tf.Tensor => tf.tensor(numbers(size, seed), shape);
    const [ours, stock] = [await hooked(true), await hooked(false)];
    expect(ours.weights).toEqual(stock.weights);
    expect(stock.kernels.includes('Sub') || hook.scale?.({} as ModelWeight) === 0).toBe(true);
    expect(ours.kernels).not.toContain('Sub');
  });
});

it('computes Adam as float64 does', async () => {
  await accelerate(true);
  const plan: Plan = { shapes: [[50]], steps: new Array(6).fill([true]), named: false, seed: 3 };
  const { weights } = await run(tf.train.adam(0.01, 0.9, 0.99, 1e-8), plan);
  const value = [...numbers(50, 3)];
  const [first, second] = [new Array<number>(50).fill(0), new Array<number>(50).fill(0)];
  for (let step = 0; step < 6; step++) {
    numbers(50, 3 + 100 * step + 10).forEach((gradient, i) => {
      const m = 0.9 * (first[i] as number) + 0.1 * gradient;
      const v = 0.99 * (second[i] as number) + 0.01 * gradient ** 2;
      [first[i], second[i]] = [m, v];
      const scale = Math.sqrt(v / (1 - 0.99 ** (step + 1))) + 1e-8;
      value[i] = (value[i] as number) - (0.01 * m) / (1 - 0.9 ** (step + 1)) / scale;
    });
    value.forEach((expected, i) => {
      expect(Math.abs((weights[step]?.[i] as number) - expected)).toBeLessThan(1e-6);
    });
  }
});

it('lets a slot fall to 0 when its gradient stays 0, and keeps NaN', async () => {
  await accelerate(true);
  const optimizer = tf.train.momentum(0.1, 0.1);
  tf.tidy(() => tf.variable(tf.ones([2]), true, 'weight'));
  const step = (gradient: number[]): void =>
    tf.tidy(() => optimizer.applyGradients([{ name: 'weight', tensor: tf.tensor1d(gradient) }]));
  step([1, Number.NaN]);
  for (let i = 0; i < 39; i++) step([0, 0]);
  const [, slot] = await optimizer.getWeights();
  expect([...(slot?.tensor.dataSync() ?? [])]).toEqual([0, Number.NaN]);
});

describe('accelerateWasm', () => {
  const methods = [tf.SGDOptimizer, tf.MomentumOptimizer, tf.AdamOptimizer].map(({ prototype }) => prototype);

  it('puts the stock steps back', async () => {
    const stock = methods.map((prototype) => prototype.applyGradients);
    await accelerate(true);
    methods.forEach((prototype, i) => {
      expect(prototype.applyGradients).not.toBe(stock[i]);
    });
    await accelerate(false);
    expect(methods.map((prototype) => prototype.applyGradients)).toEqual(stock);
  });

  it("leaves other backends, and optimizers that are not as tfjs's, to the stock step", async () => {
    await accelerate(true);
    await tf.setBackend('cpu');
    const cpu = await run(tf.train.adam(0.01), PLAN);
    await tf.setBackend('wasm');
    const wasm = await run(tf.train.adam(0.01), PLAN);
    cpu.weights.flat().forEach((value, i) => {
      expect(value).toBeCloseTo(wasm.weights.flat()[i] as number, 6);
    });
    // A rate that is a tensor, by an assignment past the types: stock fails over it, and so must we.
    const odd = tf.train.sgd(0.1);
    Reflect.set(odd, 'c', undefined);
    await expect(run(odd, PLAN)).rejects.toThrow("Argument 'a' passed to 'mul'");
  });

  it('fails over unknown variables as stock does', async () => {
    const apply = (): void =>
      tf.tidy(() => tf.train.sgd(0.1).applyGradients([{ name: 'nobody', tensor: tf.scalar(1) }]));
    expect(apply).toThrow();
    await accelerate(true);
    expect(apply).toThrow();
  });
});
