import { LayersModel } from '@tensorflow/tfjs-layers';
import type { Layer } from '../core/model_weights.js';
import { isKernel } from '../core/reinitialize.js';
import { leadingChannels } from './masks.js';
import { headLayers } from './operation.js';

/** The channels that a layer reads and those that it gives, 1 where the fit network keeps one. */
export interface KeptChannels {
  readonly inputs: Uint8Array;
  readonly outputs: Uint8Array;
}

/** Channels of a shape: its last axis. */
const channels = (shape: unknown): number => {
  const list = shape as (number | null)[];
  return list[list.length - 1] ?? 1;
};

/** The node of a layer's first call; a model's first node is its own. */
const callNode = (layer: Layer): Layer['inboundNodes'][number] | undefined =>
  layer.inboundNodes.find(({ inboundLayers }) => inboundLayers.length > 0);

/**
 * Follows the channels through a model, from input to output: a layer with a kernel gives the first `ceil(n * rate)` of
 * its n channels, a head all; a concatenation keeps what its parts keep, so does a flattened map; what keeps the number
 * of channels (norms, activations, pooling, sums) passes them on. The input is kept whole, unless `splitInputs`.
 */
export function keptChannels(model: LayersModel, rate: number, splitInputs: boolean): (layer: Layer) => KeptChannels {
  const heads = headLayers(model);
  const known = new Map<Layer, Uint8Array>();
  // An input of a nested model gives what the nested model reads.
  const outer = new Map<Layer, [Layer, number]>();
  const enter = (container: LayersModel): void => {
    for (const layer of container.layers) {
      if (!(layer instanceof LayersModel)) continue;
      layer.inputLayers.forEach((input, i) => {
        outer.set(input, [layer, i]);
      });
      enter(layer);
    }
  };
  enter(model);

  const source = (layer: Layer, index: number): Uint8Array => {
    const node = callNode(layer);
    const from = node?.inboundLayers[index];
    if (!from) return all(layer);
    if (!(from instanceof LayersModel)) return outputs(from);
    return outputs(from.outputLayers[node.tensorIndices[index] as number] as Layer);
  };

  const all = (layer: Layer): Uint8Array => {
    const shape = layer.outputShape as number[];
    return leadingChannels([channels(shape)], splitInputs && shape.length === 2 ? rate : 1);
  };

  const made = (layer: Layer): Uint8Array => {
    const nested = outer.get(layer);
    if (nested) return source(...nested);
    const count = channels(layer.outputShape);
    const parts = (callNode(layer)?.inboundLayers ?? []).map((_, i) => source(layer, i));
    const [first] = parts;
    if (!first) return all(layer);
    const names = layer.weights.map(({ originalName }) => originalName);
    if (heads.has(layer)) return leadingChannels([count], 1);
    if (names.some((name) => isKernel(name) && !/depthwise/.test(name))) return leadingChannels([count], rate);
    if (layer.getClassName() === 'Concatenate') return Uint8Array.from(parts.flatMap((part) => [...part]));
    // Flattened maps repeat their channels at each place; depthwise kernels make several of each.
    const depthwise = names.some((name) => /depthwise/.test(name));
    const each = count / first.length;
    if (!Number.isInteger(each)) return leadingChannels([count], 1);
    return Uint8Array.from(
      { length: count },
      (_, i) => first[depthwise ? Math.floor(i / each) : i % first.length] as number,
    );
  };

  const outputs = (layer: Layer): Uint8Array => {
    const value = known.get(layer) ?? made(layer);
    known.set(layer, value);
    return value;
  };

  return (layer) => ({ inputs: source(layer, 0), outputs: outputs(layer) });
}
