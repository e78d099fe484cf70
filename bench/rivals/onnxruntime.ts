/** onnxruntime-web on WASM and, where it is installed, onnxruntime-node. */
import { createRequire } from 'node:module';
import type { Tensor as OnnxTensor, InferenceSession as Session } from 'onnxruntime-web';
import { env, InferenceSession, Tensor } from 'onnxruntime-web';

/** `--ort-threads=2`: onnxruntime-web sets its threads up once per process. Everything else runs on one. */
const flag = process.argv.find((argument) => argument.startsWith('--ort-threads='));
const THREADS = flag === undefined ? 1 : Number(flag.slice('--ort-threads='.length));

export const ONNX_RUNTIME: string = `onnxruntime-web, ${THREADS} thread${THREADS === 1 ? '' : 's'}`;
export const ONNX_RUNTIME_NODE = 'onnxruntime-node, native, 1 thread';

/** A model ready to run, with one input and one output. */
export interface OnnxModel {
  run(data: Float32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** What both runtimes export. */
interface Runtime {
  readonly InferenceSession: { create(file: Uint8Array, options: Session.SessionOptions): Promise<Session> };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OnnxTensor;
}

/** Loads a file into onnxruntime-web; the input has this shape. */
export async function onnxModel(file: Uint8Array, shape: readonly number[]): Promise<OnnxModel> {
  env.wasm.numThreads = THREADS;
  const model = await load({ InferenceSession, Tensor }, file, shape, { executionProviders: ['wasm'] });
  // In Node it leaves a global Worker behind, by which jax-js would take the process for a page and start threads.
  if (THREADS === 1) Reflect.deleteProperty(globalThis, 'Worker');
  return model;
}

/** Loads a file into onnxruntime-node; undefined where it is not installed. */
export async function nativeModel(file: Uint8Array, shape: readonly number[]): Promise<OnnxModel | undefined> {
  let runtime: Runtime;
  try {
    runtime = createRequire(import.meta.url)('onnxruntime-node') as Runtime;
  } catch {
    return undefined;
  }
  return load(runtime, file, shape, { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1 });
}

async function load(
  runtime: Runtime,
  file: Uint8Array,
  shape: readonly number[],
  options: Session.SessionOptions,
): Promise<OnnxModel> {
  const session = await runtime.InferenceSession.create(file, { ...options, graphOptimizationLevel: 'all' });
  const [input = ''] = session.inputNames;
  const [output = ''] = session.outputNames;
  return {
    run: async (data) => {
      const result = await session.run({ [input]: new runtime.Tensor('float32', data, shape) });
      return (await result[output]?.getData()) as Float32Array;
    },
    dispose: () => session.release(),
  };
}
