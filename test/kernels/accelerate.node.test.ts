import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hookOptimizer } from '../../src/core/optimizer_hook.js';
import { layerNorm } from '../../src/ops/layer_norm.js';
import { accelerateWasm, type WasmAcceleration } from '../../src/wasm/index.js';
import { expectSame, tensorOf } from './both_backends.js';
import { heap, wasmBackend } from './heap.js';

const handles: WasmAcceleration[] = [];

async function accelerate(): Promise<WasmAcceleration> {
  const handle = await accelerateWasm();
  handles.push(handle);
  return handle;
}

/** All that accelerateWasm may change. */
function installation(): unknown[] {
  const { wasm } = wasmBackend();
  return [
    ...tf.getKernelsForBackend('wasm').map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]),
    tf.getGradient('Einsum'),
    tf.SGDOptimizer.prototype.applyGradients,
    tf.engine().gradients,
    wasm._malloc,
  ];
}

/** The installation, in an order of its own. */
function sorted(): unknown[] {
  return installation().sort((x, y) => String(x).localeCompare(String(y)));
}

/** Results that need kernels which stock lacks. */
function train(): tf.Tensor[] {
  const inputs = [tensorOf([2, 9, 8, 3], 1), tensorOf([3, 3, 3, 4], 2)];
  const gradients = tf.grads((x, w) => tf.square(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same')))(inputs);
  return [...gradients, layerNorm(tensorOf([5, 6], 3), tf.ones([6]), tf.zeros([6]), 1e-6)];
}

const registration = (name: string) => tf.getKernel(name, 'wasm')?.kernelFunc;

beforeEach(async () => {
  await tf.setBackend('wasm');
  const { wasm } = wasmBackend();
  wasm._free(wasm._malloc(1));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  for (const handle of handles.splice(0)) handle.dispose();
});

describe('accelerateWasm', () => {
  it('puts back, when disposed, all that it has changed', async () => {
    const before = sorted();
    const handle = await accelerate();
    expect(handle.warning).toBe('');
    expect(handle.kernels.every((name) => registration(name) !== undefined)).toBe(true);
    expect(installation().filter((one) => before.includes(one)).length).toBeLessThan(before.length);
    expectSame(train, 2e-6);
    await tf.setBackend('wasm');
    handle.dispose();
    expect(sorted()).toEqual(before);
    expect(tf.getKernel('Conv2DBackpropFilter', 'wasm')).toBeUndefined();
  });

  it('returns the first handle again, however it is called', async () => {
    const [first, second] = await Promise.all([accelerate(), accelerate()]);
    const installed = sorted();
    expect(second).toBe(first);
    expect(await accelerate()).toBe(first);
    expect(sorted()).toEqual(installed);
  });

  it('gives a new handle after dispose; the old one can no longer do anything', async () => {
    const stock = sorted();
    const first = await accelerate();
    first.dispose();
    const second = await accelerate();
    expect(second).not.toBe(first);
    const installed = sorted();
    first.dispose();
    expect(sorted()).toEqual(installed);
    expect(await accelerate()).toBe(second);
    second.dispose();
    expect(sorted()).toEqual(stock);
  });

  it('leaves to the cpu backend only what the kernels do not take', async () => {
    await accelerate();
    const copies = vi.spyOn(tf.findBackend('cpu'), 'write');
    const attrs = { strides: [1, 1], pad: 'same', dataFormat: 'NCHW', dilations: [1, 1] };
    const run = (dtype: 'float32' | 'complex64') =>
      tf.tidy(() => {
        const inputs = { x: tensorOf([1, 3, 5, 4], 1), filter: tensorOf([3, 3, 3, 2], 2) };
        if (dtype === 'float32') tf.engine().runKernel('Conv2D', inputs, attrs);
        else tf.mul(tf.complex([1, 2], [3, 4]), tf.complex([1, 2], [3, 4]));
      });
    run('float32');
    expect(copies).not.toHaveBeenCalled();
    run('complex64');
    expect(copies).toHaveBeenCalled();
  });

  it('leaves a kernel that somebody puts in the place of ours', async () => {
    const stock = tf.getKernel('Softmax', 'wasm');
    const handle = await accelerate();
    tf.unregisterKernel('Softmax', 'wasm');
    const theirs = { ...stock };
    tf.registerKernel(theirs);
    handle.dispose();
    expect(tf.getKernel('Softmax', 'wasm')).toBe(theirs);
    tf.unregisterKernel('Softmax', 'wasm');
    tf.registerKernel(stock);
  });

  it('fails on another backend', async () => {
    await tf.setBackend('cpu');
    await expect(accelerate()).rejects.toThrow(
      'accelerateWasm: backend must be "wasm" (call tf.setBackend(\'wasm\') first), received "cpu".',
    );
  });
});

describe('a backend that was removed', () => {
  it('is accelerated when it comes back, and stock after dispose', async () => {
    const factory = tf.findBackendFactory('wasm');
    const handle = await accelerate();
    const [first, firstHeap] = [wasmBackend(), heap()];
    expectSame(train, 2e-6);
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', factory, 2);
    await tf.setBackend('wasm');
    expect(wasmBackend()).not.toBe(first);
    expect(heap()).not.toBe(firstHeap);
    expectSame(train, 2e-6);
    await tf.setBackend('wasm');
    expect(await accelerate()).toBe(handle);
    const guarded = wasmBackend().wasm._malloc;
    handle.dispose();
    expect(wasmBackend().wasm._malloc).not.toBe(guarded);
    // The stock kernels were set up for the new backend too.
    expectSame(() => [tf.softmax(tensorOf([3, 5], 1)), tf.matMul(tensorOf([3, 5], 1), tensorOf([5, 4], 2))], 2e-6);
  });

  it('leaves nothing undone if it is gone when the handle is disposed', async () => {
    const factory = tf.findBackendFactory('wasm');
    const handle = await accelerate();
    tf.removeBackend('wasm');
    handle.dispose();
    expect(registration('LLFLayerNorm')).toBeUndefined();
    tf.registerBackend('wasm', factory, 2);
    await tf.setBackend('wasm');
    expectSame(() => [tf.softmax(tensorOf([3, 5], 1))], 2e-6);
  });
});

describe('a backend or a machine that is not what it was', () => {
  const internals: [string, (backend: Record<string, unknown>) => void][] = [
    ['its module', (backend) => Reflect.set(backend, 'wasm', undefined)],
    ['its allocator', (backend) => Reflect.set(backend, 'wasm', { ...(backend['wasm'] as object), _free: undefined })],
    ['its table of tensors', (backend) => Reflect.set(backend, 'dataIdMap', new Set())],
    ['its count of references', (backend) => Reflect.set(backend, 'disposeData', undefined)],
    ['its way to make outputs', (backend) => Reflect.set(backend, 'makeOutput', undefined)],
    [
      'its memory',
      (backend) => Reflect.set(backend, 'wasm', { ...(backend['wasm'] as object), asm: {}, wasmMemory: undefined }),
    ],
  ];

  it.each(internals)('gets a warning and keeps the stock kernels, if %s is missing', async (what, change) => {
    const real = wasmBackend();
    const before = sorted();
    const odd = Object.create(real) as Record<string, unknown>;
    change(odd);
    vi.spyOn(tf.engine(), 'backend', 'get').mockReturnValue(odd as unknown as tf.KernelBackend);
    const handle = await accelerate();
    expect(handle).toMatchObject({ kernels: [], simd: undefined });
    expect(handle.warning).toBe(
      `The stock kernels stay: this version of the WASM backend differs from 4.22: ${what} was not found.`,
    );
    vi.restoreAllMocks();
    expect(sorted()).toEqual(before);
    handle.dispose();
    // With a backend that is as it was, the next call installs.
    expect((await accelerate()).warning).toBe('');
  });

  it('gets a warning where SIMD is missing, or a policy forbids compiling', async () => {
    const before = sorted();
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    expect((await accelerate()).warning).toBe('The stock kernels stay: this machine runs no WASM SIMD.');
    vi.restoreAllMocks();
    const Instance = class {
      constructor() {
        throw new WebAssembly.CompileError('blocked by CSP');
      }
    };
    vi.stubGlobal('WebAssembly', Object.create(WebAssembly, { Instance: { value: Instance } }));
    const handle = await accelerate();
    expect(handle.warning).toBe('The stock kernels stay: the kernels could not be compiled (blocked by CSP).');
    expect(handle.kernels).toEqual([]);
    vi.unstubAllGlobals();
    expect(sorted()).toEqual(before);
  });

  it('runs its own kernels if it takes the place of the backend that was accelerated', async () => {
    const factory = tf.findBackendFactory('wasm') as () => Promise<tf.KernelBackend>;
    await accelerate();
    tf.removeBackend('wasm');
    const hidden = { asm: { value: undefined }, wasmMemory: { value: undefined } };
    tf.registerBackend(
      'wasm',
      async () => {
        const backend = await factory();
        return Object.assign(backend, { wasm: Object.create(Reflect.get(backend, 'wasm') as object, hidden) });
      },
      2,
    );
    await tf.setBackend('wasm');
    expectSame(() => [tf.matMul(tensorOf([3, 5], 1), tensorOf([5, 4], 2)), tf.sum(tensorOf([3, 5], 1))], 2e-6);
    await tf.setBackend('wasm');
    expect(() => layerNorm(tensorOf([5, 6], 3), tf.ones([6]), tf.zeros([6]), 1e-6)).toThrow('LLFLayerNorm');
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', factory, 2);
    await tf.setBackend('wasm');
  });
});

describe('an optimizer that was hooked before', () => {
  it('takes the fast step all the same, and the stock one after dispose', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3] })] });
    model.compile({ optimizer: tf.train.adam(0.1), loss: 'meanSquaredError' });
    const unhook = hookOptimizer(model.optimizer, model, { scale: () => 0.5 });
    const kernelsOf = async (): Promise<string[]> => {
      const [x, y] = [tensorOf([4, 3], 1), tensorOf([4, 2], 2)];
      const { kernelNames } = await tf.profile(async () => {
        await model.trainOnBatch(x, y);
        return [];
      });
      tf.dispose([x, y]);
      return kernelNames;
    };
    const handle = await accelerate();
    expect(await kernelsOf()).toContain('LLFAdamStep');
    handle.dispose();
    expect(await kernelsOf()).not.toContain('LLFAdamStep');
    unhook();
    model.dispose();
  });
});
