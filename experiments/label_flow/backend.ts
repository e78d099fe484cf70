import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerateWasm } from 'tfjs-llf/wasm';

/** What all these experiments compute on. */
export async function useWasm(): Promise<void> {
  await tf.setBackend('wasm');
  await tf.ready();
  await accelerateWasm();
}
