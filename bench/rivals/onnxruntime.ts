/** onnxruntime-web on one WASM thread. */
import { env, InferenceSession, Tensor } from 'onnxruntime-web';

export const ONNX_RUNTIME = 'onnxruntime-web, 1 thread';

/** A model ready to run, with one input and one output. */
export interface OnnxModel {
  run(data: Float32Array): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Loads a file; the input has this shape. */
export async function onnxModel(file: Uint8Array, shape: readonly number[]): Promise<OnnxModel> {
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create(file, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  // In Node it leaves a global Worker behind, by which jax-js would take the process for a page and start threads.
  Reflect.deleteProperty(globalThis, 'Worker');
  const [input = ''] = session.inputNames;
  const [output = ''] = session.outputNames;
  return {
    run: async (data) => {
      const result = await session.run({ [input]: new Tensor('float32', data, shape) });
      return (await result[output]?.getData()) as Float32Array;
    },
    dispose: () => session.release(),
  };
}
