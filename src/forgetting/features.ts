import { reshape, type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { model as connect, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { argumentError } from '../core/checks.js';
import { nearest } from '../core/layer_selection.js';

/**
 * What layers of a model give for inputs, one row per sample, as the probes take it.
 *
 * Takes the model, names of its own layers (not of a nested model's) and float32 inputs `[N, ...]`; returns one `[N, F]`
 * tensor per name, flattened, computed as at prediction (batch norm by its running statistics). Dispose them.
 *
 * @throws If the model has no such layer.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { layerFeatures } from 'tfjs-llf';
 *
 * const model = tf.sequential({
 *   layers: [tf.layers.dense({ name: 'body', units: 3, inputShape: [2] }), tf.layers.dense({ name: 'head', units: 2 })],
 * });
 * const [body, head] = layerFeatures(model, ['body', 'head'], tf.ones([5, 2]));
 * console.log(body?.shape, head?.shape); // [5, 3], [5, 2]
 * ```
 */
export function layerFeatures(
  model: LayersModel,
  names: readonly string[],
  inputs: Tensor,
  batchSize = 256,
): Tensor2D[] {
  const outputs = names.map((name) => {
    const layer = model.layers.find((one) => one.name === name);
    if (layer) return layer.output as SymbolicTensor;
    const known = model.layers.map((one) => one.name);
    const hint = nearest(name, known).map((one) => `"${one}"`);
    throw argumentError('layerFeatures', 'names', `names of layers of the model (nearest: ${hint.join(', ')})`, name);
  });
  if (outputs.length === 0) return [];
  return tidy(() => {
    const values = connect({ inputs: model.inputs, outputs }).predict(inputs, { batchSize });
    return (Array.isArray(values) ? values : [values]).map((value) => reshape(value, [value.shape[0] as number, -1]));
  });
}
