/** What the tests of pages run in one: all kernels and some training steps, on WASM with our kernels and on cpu. */
import * as tf from '@tensorflow/tfjs';
import { getThreadsCount, setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { crossEntropy, visionTransformer } from 'tfjs-llf';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { tensorOf } from '../../kernels/numbers.js';
import { programs, steps } from '../../kernels/programs.js';

/** What a page reports. */
export interface PageReport {
  readonly isIsolated: boolean;
  readonly isBackend: boolean;
  readonly error?: string;
  readonly warning?: string;
  readonly simd?: string | undefined;
  readonly kernels?: readonly string[];
  readonly ran?: readonly string[];
  readonly threads?: number;
  readonly isShared?: boolean;
  /** The largest errors by program, as parts of the largest number. */
  readonly errors?: Readonly<Record<string, number>>;
  readonly losses?: Readonly<Record<'wasm' | 'cpu', number[]>>;
  /** Whether the kernels of this library are registered in the end. */
  readonly isInstalled?: boolean;
}

function valuesOf(compute: () => tf.Tensor[]): Float32Array[] {
  return tf.tidy(() => compute().map((x) => new Float32Array(x.dataSync())));
}

function errorOf(ours: readonly Float32Array[], theirs: readonly Float32Array[]): number {
  let [error, largest] = [ours.length === theirs.length ? 0 : Number.NaN, 1e-6];
  theirs.forEach((expected, i) => {
    expected.forEach((value, j) => {
      const difference = Math.abs(value - (ours[i]?.[j] ?? Number.NaN));
      error = difference <= error ? error : difference;
      largest = Math.max(largest, Math.abs(value));
    });
  });
  return error / largest;
}

/** Losses of some steps of Adam, from weights that a seed fixes. */
async function losses(backend: 'wasm' | 'cpu'): Promise<number[]> {
  await tf.setBackend(backend);
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [8, 8, 3],
        filters: 3,
        kernelSize: 3,
        padding: 'same',
        kernelInitializer: tf.initializers.randomNormal({ seed: 3 }),
      }),
      visionTransformer({ imageSize: 8, channels: 3, patchSize: 2, dim: 16, depth: 2, heads: 2, classes: 4, seed: 1 }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.01), loss: crossEntropy() });
  const x = tensorOf([4, 8, 8, 3], 5);
  const y = tf.oneHot(tf.tensor1d([0, 1, 2, 3], 'int32'), 4);
  const result: number[] = [];
  for (let step = 0; step < 4; step++) result.push(Number(await model.trainOnBatch(x, y)));
  tf.dispose([x, y]);
  model.dispose();
  return result;
}

async function report(): Promise<PageReport> {
  setWasmPaths('/wasm/');
  setThreadsCount(2);
  const { crossOriginIsolated: isIsolated } = globalThis;
  const isBackend = await tf.setBackend('wasm').catch(() => false);
  const isInstalled = () => tf.getKernel('LLFLayerNorm', 'wasm') !== undefined;
  try {
    const handle = await accelerateWasm();
    const { warning, simd, kernels } = handle;
    const all = { ...programs(50), ...steps(50) };
    const { kernelNames } = await tf.profile(() => tf.tidy(() => tf.dispose(Object.values(all).flatMap((f) => f()))));
    const errors: Record<string, number> = {};
    for (const [name, compute] of Object.entries(programs(50))) {
      await tf.setBackend('wasm');
      const ours = valuesOf(compute);
      await tf.setBackend('cpu');
      errors[name] = errorOf(ours, valuesOf(compute));
    }
    const both = { wasm: await losses('wasm'), cpu: await losses('cpu') };
    const memory = (tf.findBackend('wasm') as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.buffer;
    handle.dispose();
    return {
      isIsolated,
      isBackend,
      warning,
      simd,
      kernels,
      ran: kernelNames,
      threads: getThreadsCount(),
      isShared: typeof SharedArrayBuffer !== 'undefined' && memory instanceof SharedArrayBuffer,
      errors,
      losses: both,
      isInstalled: isInstalled(),
    };
  } catch (error) {
    return { isIsolated, isBackend, error: String(error), isInstalled: isInstalled() };
  }
}

Reflect.set(globalThis, 'report', report());
