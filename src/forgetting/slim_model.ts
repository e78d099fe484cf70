import { tensor, tidy } from '@tensorflow/tfjs-core';
import { type LayersModel, models } from '@tensorflow/tfjs-layers';
import { requireNumber } from '../core/checks.js';
import { layerWeights, type ModelLayer, type ModelWeight, modelLayers } from '../core/model_weights.js';
import { isKernel } from '../core/reinitialize.js';
import { type KeptChannels, keptChannels } from './kept_channels.js';
import { kernelMask } from './knowledge_evolution.js';

/** Options of {@link slimModel}. */
export interface SlimModelOptions {
  /** The `splitRate` of the training. */
  splitRate: number;
}

interface LayerJson {
  readonly config: LayerConfigJson | LayerJson[];
}

interface LayerConfigJson {
  readonly name: string;
  units?: number;
  filters?: number;
  readonly layers?: LayerJson[];
  readonly batch_input_shape?: (number | null)[];
}

/**
 * Takes the fit network of Knowledge Evolution by kernel level out of a trained model: a narrower model of its own.
 *
 * The layers of `model` keep their names; a layer with a kernel has `ceil(units * splitRate)` of its outputs, the first
 * ones, and the last layer all. Input and output shapes stay. The weights are copies of float32 values. What it predicts
 * is what `model` would predict with the reset hypothesis at zero. The new model is not compiled.
 *
 * Source: Taha et al., "Knowledge Evolution in Neural Networks" (2021).
 *
 * @throws If `splitRate` is not in (0, 1], or if a layer does not allow for fewer channels (a fixed `reshape`).
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { slimModel } from 'tfjs-llf';
 *
 * const model = tf.sequential({
 *   layers: [tf.layers.dense({ units: 8, inputShape: [4] }), tf.layers.dense({ units: 2 })],
 * });
 * const slim = await slimModel(model, { splitRate: 0.5 });
 * console.log(model.countParams(), slim.countParams()); // 58, 30
 * ```
 */
export async function slimModel(model: LayersModel, { splitRate }: SlimModelOptions): Promise<LayersModel> {
  requireNumber('slimModel', 'splitRate', splitRate, Number.MIN_VALUE, 1);
  const keptBy = keptChannels(model, splitRate, false);
  const old = modelLayers(model);
  const kept = new Map(old.map(({ layer, name }) => [name, keptBy(layer)]));
  const json = JSON.parse(model.toJSON() as string) as LayerJson;
  narrow(json, kept, '');
  const slim = await models.modelFromJSON(json as unknown as Parameters<typeof models.modelFromJSON>[0]);
  const byName = new Map(modelLayers(slim).map((layer) => [layer.name, layer]));
  for (const layer of old) {
    await copyKept(layer, byName.get(layer.name) as ModelLayer, kept.get(layer.name) as KeptChannels);
  }
  return slim;
}

const positions = (mask: Uint8Array): number[] => [...mask.keys()].filter((i) => mask[i] === 1);

/** Fewer units and filters, in place. */
function narrow({ config }: LayerJson, kept: ReadonlyMap<string, KeptChannels>, prefix: string): void {
  for (const layer of Array.isArray(config) ? config : (config.layers ?? [])) {
    const own = layer.config;
    if (Array.isArray(own)) continue;
    const name = prefix + own.name;
    const { inputs, outputs } = kept.get(name) ?? {};
    if (outputs && own.units !== undefined) own.units = positions(outputs).length;
    if (outputs && own.filters !== undefined) own.filters = positions(outputs).length;
    // The input of a nested model may have become narrower.
    const shape = own.batch_input_shape;
    if (inputs && shape && prefix) shape[shape.length - 1] = positions(inputs).length;
    narrow(layer, kept, `${name}/`);
  }
}

/** The part of the old layer's weights that the new layer has. */
async function copyKept(from: ModelLayer, to: ModelLayer, kept: KeptChannels): Promise<void> {
  const targets = layerWeights(to);
  const { outputs } = kept;
  for (const [place, weight] of layerWeights(from).entries()) {
    const { shape, rank } = weight.variable;
    const whole = rank < 1 || shape[rank - 1] !== outputs.length;
    const mask = isKernel(weight.name) && rank > 1 ? kernelMask({ weight }, kept) : whole ? undefined : outputs;
    const values = await weight.variable.data<'float32'>();
    const target = (targets[place] as ModelWeight).variable;
    // Not by gather: on WASM its result cannot serve as a bias.
    const rest = mask ? values.filter((_, i) => mask[i % mask.length] === 1) : values;
    tidy(() => target.assign(tensor(rest, target.shape)));
  }
}
