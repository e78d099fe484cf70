import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { hookOptimizer, type OptimizerHook } from '../../src/core/optimizer_hook.js';
import { onEachBackend } from '../setup/backends.js';
import { layerValues, optimizers, smallModel, traces, train, weightValues } from './models.js';

/** One training of two epochs with hooks; what it did to the weights. */
async function trained(make: () => tf.Optimizer, hooks: OptimizerHook[] = []): Promise<number[][]> {
  const model = smallModel(make());
  const unhook = hooks.map((hook) => hookOptimizer(model.optimizer, model, hook));
  await train(model, { epochs: 2 });
  for (const undo of unhook) undo();
  return weightValues(model);
}

function step(make: () => tf.Optimizer, hooks: OptimizerHook[] = []): { before: number[]; after: number[] } {
  const model = smallModel(make());
  const before = layerValues(model, 'body');
  for (const hook of hooks) hookOptimizer(model.optimizer, model, hook);
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  model.optimizer.minimize(
    () => tf.tidy(() => tf.addN(variables.map((one) => tf.sum(tf.square(tf.add(one, 0.1)))))) as tf.Scalar,
    false,
    variables,
  );
  return { before, after: layerValues(model, 'body') };
}

function expectNear(received: readonly number[], expected: readonly number[], tolerance = 2e-7): void {
  expect(received).toHaveLength(expected.length);
  received.forEach((value, i) => {
    expect(Math.abs(value - (expected[i] as number))).toBeLessThanOrEqual(tolerance);
  });
}

onEachBackend(() => {
  describe('hookOptimizer', () => {
    for (const [name, make] of Object.entries(optimizers)) {
      it(`${name}: a hook that changes nothing changes no bit`, async () => {
        const idle: OptimizerHook = {
          clip: (gradients) => gradients.map(({ gradient }) => gradient),
          penalize: (_weight, gradient) => gradient,
          decay: () => 0,
          scale: () => 1,
          finish: (_weight, updated) => updated,
        };
        expect(await trained(make, [idle])).toEqual(await trained(make));
      });

      it(`${name}: scale stretches and reflects the update, decay included`, () => {
        const { before, after } = step(make);
        for (const scale of [0.25, -0.5, 0]) {
          const scaled = step(make, [{ scale: () => scale }]).after;
          expectNear(
            scaled,
            before.map((old, i) => old + scale * ((after[i] as number) - old)),
          );
          const both = step(make, [{ scale: () => scale, decay: () => 0.125 }]).after;
          expectNear(
            both,
            before.map((old, i) => old + scale * ((after[i] as number) - old - 0.125 * old)),
          );
        }
        expect(step(make, [{ scale: () => 0 }]).after).toEqual(before);
      });
    }

    it('runs the phases in their order, whatever the order of the hooks', async () => {
      const hooks: OptimizerHook[] = [
        { finish: (_weight, updated) => tf.clipByValue(updated, -0.3, 0.3) },
        { scale: ({ name }) => (name === 'kernel' ? 0.5 : 1) },
        { decay: () => 0.25 },
        { penalize: (weight, gradient) => tf.add(gradient, tf.mul(weight.variable, 0.5)) },
        { clip: (gradients) => gradients.map(({ gradient }) => tf.mul(gradient, 0.5)) },
      ];
      const forwards = await trained(optimizers['adam'] as () => tf.Optimizer, hooks);
      const backwards = await trained(optimizers['adam'] as () => tf.Optimizer, [...hooks].reverse());
      expect(backwards).toEqual(forwards);
      expect(forwards).not.toEqual(await trained(optimizers['adam'] as () => tf.Optimizer));
    });

    it('multiplies all decay of a weight by the factors of all hooks', () => {
      const end = (hooks: readonly OptimizerHook[]): number[] => {
        const model = smallModel(tf.train.sgd(0.1));
        for (const hook of hooks) hookOptimizer(model.optimizer, model, hook);
        const kernel = model.getLayer('head').weights[0]?.read() as tf.Variable;
        model.optimizer.applyGradients([{ name: kernel.name, tensor: tf.zerosLike(kernel) }]);
        return Array.from(kernel.dataSync());
      };
      const decay: OptimizerHook = { decay: () => 0.5 };
      const coupled: OptimizerHook = {
        penalize: ({ variable }, gradient, factor) => tf.add(gradient, tf.mul(variable, 5 * factor)),
      };
      const [half, minus] = [{ decayFactor: () => 0.5 }, { decayFactor: () => -1 }];
      const [start] = [end([])];
      for (const one of [decay, coupled]) {
        for (const [hooks, kept] of [
          [[one], 0.5],
          [[one, half], 0.75],
          [[minus, one, half], 1.25],
        ] as const) {
          expectNear(
            end(hooks),
            start.map((value) => kept * value),
          );
        }
      }
    });

    it('hands the whole list to clip, with the weights it belongs to', async () => {
      const keys: string[][] = [];
      const model = smallModel();
      hookOptimizer(model.optimizer, model, {
        clip: (gradients) => {
          keys.push(gradients.map(({ weight }) => weight.key));
          for (const { weight, gradient } of gradients) expect(gradient.shape).toEqual(weight.variable.shape);
          return gradients.map(({ gradient }) => gradient);
        },
      });
      await train(model, { batchSize: 10 });
      expect(keys).toEqual([['body/kernel', 'body/bias', 'norm/gamma', 'norm/beta', 'head/kernel', 'head/bias']]);
    });

    it('leaves weights without a gradient where they are', async () => {
      const model = smallModel();
      model.getLayer('head').trainable = false;
      const before = layerValues(model, 'head');
      const seen: string[] = [];
      hookOptimizer(model.optimizer, model, {
        decay: ({ layer }) => {
          seen.push(layer);
          return 0.5;
        },
        scale: () => 2,
      });
      await train(model);
      expect(layerValues(model, 'head')).toEqual(before);
      expect(seen).not.toContain('head');
    });

    it('lets finish mask a weight that stale momentum would move', async () => {
      const model = smallModel(tf.train.momentum(0.1, 0.9));
      await train(model);
      const { weights } = model.getLayer('body');
      const kernel = weights[0]?.read() as tf.Variable;
      kernel.assign(tf.zerosLike(kernel));
      hookOptimizer(model.optimizer, model, {
        finish: ({ key }, updated) => (key === 'body/kernel' ? tf.zerosLike(updated) : updated),
      });
      await train(model);
      expect(layerValues(model, 'body').every((value) => value === 0)).toBe(true);
    });

    it('takes gradients as a map too, and passes variables it does not know', () => {
      const stranger = tf.variable(tf.scalar(1));
      const model = smallModel(tf.train.sgd(1));
      const kernel = model.getLayer('head').weights[0]?.read() as tf.Variable;
      const before = layerValues(model, 'head');
      hookOptimizer(model.optimizer, model, { decay: () => 0.5 });
      const gradients = { [stranger.name]: tf.scalar(0.25), [kernel.name]: tf.zerosLike(kernel) };
      model.optimizer.applyGradients(gradients);
      expect(stranger.dataSync()[0]).toBe(0.75);
      expectNear(
        layerValues(model, 'head'),
        before.map((value) => value / 2),
      );
      stranger.dispose();
    });

    it('leaves no tensors outside of a tidy either', () => {
      const model = smallModel(tf.train.momentum(0.1, 0.9));
      const kernel = model.getLayer('head').weights[0]?.read() as tf.Variable;
      hookOptimizer(model.optimizer, model, {
        clip: (gradients) => gradients.map(({ gradient }) => tf.mul(gradient, 0.5)),
        penalize: (weight, gradient) => tf.add(gradient, weight.variable),
        decay: () => 0.5,
        scale: () => 0.5,
        finish: (_weight, updated) => tf.relu(updated),
      });
      const gradients = [{ name: kernel.name, tensor: tf.zerosLike(kernel) }];
      model.optimizer.applyGradients(gradients);
      const { numTensors } = tf.memory();
      for (let i = 0; i < 3; i++) model.optimizer.applyGradients(gradients);
      expect(tf.memory().numTensors).toBe(numTensors);
    });

    it('keeps two models with one optimizer apart', async () => {
      const optimizer = tf.train.sgd(0.1);
      const [hooked, plain, reference] = [smallModel(optimizer), smallModel(optimizer), smallModel(tf.train.sgd(0.1))];
      const undo = hookOptimizer(optimizer, hooked, { scale: () => 0 });
      const before = weightValues(hooked)[0];
      for (const model of [hooked, plain, reference]) await train(model);
      expect(weightValues(hooked)[0]).toEqual(before);
      expect(weightValues(plain)).toEqual(weightValues(reference));
      undo();
    });

    it('holds no tensors', async () => {
      const model = smallModel();
      const undo = hookOptimizer(model.optimizer, model, {
        clip: (gradients) => gradients.map(({ gradient }) => tf.mul(gradient, 0.5)),
        penalize: (weight, gradient) => tf.add(gradient, weight.variable),
        decay: () => 0.1,
        scale: () => 0.5,
        finish: (_weight, updated) => tf.mul(updated, 1),
      });
      await train(model);
      const { numTensors } = tf.memory();
      await train(model, { epochs: 3 });
      expect(tf.memory().numTensors).toBe(numTensors);
      undo();
      expect(tf.memory().numTensors).toBe(numTensors);
    });
  });
});

describe('wrapping', () => {
  it('makes one wrapper and takes it off with the last hook, in any order', () => {
    const model = smallModel();
    const first = hookOptimizer(model.optimizer, model, { scale: () => 0.5 });
    const wrapper = model.optimizer.applyGradients;
    const second = hookOptimizer(model.optimizer, model, { scale: () => 0.5 });
    expect(model.optimizer.applyGradients).toBe(wrapper);
    first();
    expect(model.optimizer.applyGradients).toBe(wrapper);
    second();
    second();
    expect(traces(model)).toEqual([]);
  });

  it("gives back a user's own applyGradients, with its attributes", () => {
    const model = smallModel();
    const own = (): void => {};
    Object.defineProperty(model.optimizer, 'applyGradients', { value: own, configurable: true, writable: true });
    hookOptimizer(model.optimizer, model, { scale: () => 0.5 })();
    expect(Object.getOwnPropertyDescriptor(model.optimizer, 'applyGradients')).toEqual({
      value: own,
      configurable: true,
      writable: true,
      enumerable: false,
    });
  });

  it('does not tear out a wrapper that somebody put around it', async () => {
    const model = smallModel(tf.train.sgd(0.1));
    const undo = hookOptimizer(model.optimizer, model, { scale: () => 0 });
    const inner = model.optimizer.applyGradients;
    let calls = 0;
    const outer: typeof inner = (gradients) => {
      calls++;
      inner.call(model.optimizer, gradients);
    };
    model.optimizer.applyGradients = outer;
    undo();
    expect(model.optimizer.applyGradients).toBe(outer);
    const before = weightValues(model);
    await train(model);
    expect(calls).toBe(2);
    expect(weightValues(model)).not.toEqual(before);
  });

  it('takes hold again after somebody put another applyGradients in its place', async () => {
    const model = smallModel(tf.train.sgd(0.1));
    const inner = model.optimizer.applyGradients;
    const undo = hookOptimizer(model.optimizer, model, { scale: () => 2 });
    model.optimizer.applyGradients = inner;
    undo();
    const before = layerValues(model, 'body');
    const again = hookOptimizer(model.optimizer, model, { scale: () => 0 });
    undo();
    await train(model);
    expect(layerValues(model, 'body')).toEqual(before);
    again();
    expect(model.optimizer.applyGradients).toBe(inner);
    await train(model);
    expect(layerValues(model, 'body')).not.toEqual(before);
  });
});

describe('canaries: what tfjs still lacks', () => {
  it('fit does not apply constraints (https://github.com/tensorflow/tfjs/issues/3345)', async () => {
    const model = tf.sequential();
    const kernelConstraint = tf.constraints.nonNeg();
    model.add(
      tf.layers.dense({ units: 1, inputShape: [1], useBias: false, kernelInitializer: 'ones', kernelConstraint }),
    );
    model.compile({ optimizer: tf.train.sgd(1), loss: 'meanSquaredError' });
    await model.fit(tf.ones([1, 1]), tf.fill([1, 1], -5), { verbose: 0 });
    expect(model.getWeights()[0]?.dataSync()[0]).toBeLessThan(0);
  });

  it('slots go by position: freezing a layer and compiling again with the same optimizer fails', async () => {
    const model = smallModel(tf.train.momentum(0.1, 0.9));
    await train(model);
    model.getLayer('body').trainable = false;
    model.compile({ optimizer: model.optimizer, loss: 'meanSquaredError' });
    await expect(train(model)).rejects.toThrow();
  });

  it('setMomentum has no effect', async () => {
    const run = async (momentum: number): Promise<number[][]> => {
      const optimizer = tf.train.momentum(0.1, 0.9);
      optimizer.setMomentum(momentum);
      const model = smallModel(optimizer);
      await train(model, { epochs: 2 });
      return weightValues(model);
    };
    expect(await run(0)).toEqual(await run(0.9));
  });
});
