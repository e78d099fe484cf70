/** Models as the benches time them: built, stripped for inference, run on one batch. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { stripAuxHeads, type VisionTransformerConfig, visionTransformer } from 'tfjs-llf';
import { type BenchCase, machine, processorShare, processorTime } from './harness.js';

/** `--cpu-time` measures processor time instead of wall time, for a machine that others use too. */
export const measuredIn = process.argv.includes('--cpu-time') ? { timer: processorTime } : {};

/** Makes WASM the backend; returns what the numbers are measured on. */
export async function useWasm(): Promise<string> {
  await tf.setBackend('wasm');
  await tf.ready();
  const time = 'timer' in measuredIn ? 'processor time' : 'wall time';
  const share = processorShare();
  const idle = share > 0.95 ? 'idle' : 'BUSY, so use --cpu-time';
  return `${machine()}, tfjs ${tf.version.tfjs}, backend ${tf.getBackend()}; ${time}; ${idle} (${(100 * share).toFixed(0)} %)`;
}

/** The model that one would deploy: without aux heads. */
export function inferenceModel(config: VisionTransformerConfig): tf.LayersModel {
  return deployed(visionTransformer(config));
}

/** A model as one would deploy it, in place of the one given. */
export function deployed(model: tf.LayersModel): tf.LayersModel {
  if (model.outputs.length === 1) return model;
  const stripped = stripAuxHeads(model);
  model.dispose();
  return stripped;
}

/** One prediction for a batch of images, until its logits are read. */
export function prediction(name: string, model: tf.LayersModel, images: tf.Tensor): BenchCase {
  const run = async (): Promise<void> => {
    const logits = tf.tidy(() => model.predict(images) as tf.Tensor);
    await logits.data();
    logits.dispose();
  };
  return { name, items: images.shape[0] as number, run };
}
