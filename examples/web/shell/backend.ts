/** Starts a backend in the worker. */
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import { accelerateWebgl, watchWebgl } from 'tfjs-llf/kernels';
import { accelerateWasm } from 'tfjs-llf/wasm';
import type { BackendName } from './messages.js';

const absolute = (url: string): string => new URL(url, import.meta.url).href;
setWasmPaths({
  'tfjs-backend-wasm.wasm': absolute(plain),
  'tfjs-backend-wasm-simd.wasm': absolute(simd),
  'tfjs-backend-wasm-threaded-simd.wasm': absolute(threaded),
});

/**
 * Makes a backend the current one, with the kernels of this library; returns what is running, in words. `onLost` hears when
 * WebGL is lost.
 */
export async function startBackend(name: BackendName, onLost: (failure: Error) => void): Promise<string> {
  const isThere = await tf.setBackend(name);
  await tf.ready();
  if (!isThere || tf.getBackend() !== name)
    throw new Error(`This browser does not offer ${name === 'wasm' ? 'WebAssembly' : 'WebGL'} here. Choose the other.`);
  if (name === 'webgl') void watchWebgl().lost.then(onLost);
  const { kernels, warning } = name === 'wasm' ? await accelerateWasm() : await accelerateWebgl();
  return `${name === 'wasm' ? 'WASM' : 'WebGL'} with ${kernels.length} kernels of this library. ${warning}`.trim();
}
