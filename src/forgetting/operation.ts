import { type NamedTensorMap, type Tensor, tensor, tidy, type Variable, where, zerosLike } from '@tensorflow/tfjs-core';
import { LayersModel } from '@tensorflow/tfjs-layers';
import type { Json } from '../core/callback.js';
import { argumentError } from '../core/checks.js';
import { type LayerSelection, selectLayers } from '../core/layer_selection.js';
import { type Layer, layerWeights, type ModelLayer, type ModelWeight, modelLayers } from '../core/model_weights.js';
import { type RandomStream, randomStream } from '../core/random.js';
import { freshValues, isKernel, type ReinitKey, type ReinitLaw } from '../core/reinitialize.js';

/** What an operation keeps between forgettings, by name: plain numbers, so that nothing leaks. */
export type ForgetMemory = Map<string, Remembered>;

/** Something that an operation remembers. */
export interface Remembered {
  /** Numbers, or a mask of 1 and 0, row-major. */
  readonly values: Float32Array | Uint8Array;
  /** Their shape. */
  readonly shape: number[];
}

/** What an operation works with. */
export interface ForgetContext {
  /** The model that forgets. */
  readonly model: LayersModel;
  /** From 1; 0 while `begin` runs. */
  readonly generation: number;
  /** Number of generations in all. */
  readonly generations: number;
  /** Seed of everything that is drawn. */
  readonly seed: number;
  /**
   * What is kept; a key `held:layer/weight` is a mask that holds in every step until the next forgetting, a key `due:...`
   * is something that the next batch will do, and goes after it.
   */
  readonly memory: ForgetMemory;
}

/** A way of forgetting, for {@link ForgetRelearn} or {@link startForgetting}. */
export interface ForgetOperation {
  /** Name, as in `knowledgeEvolution`. */
  readonly name: string;
  /** Options, as far as JSON can hold them. */
  readonly options: { readonly [key: string]: Json };
  /** Whether the optimizer forgets too, unless the user says otherwise. */
  readonly resetOptimizer: boolean;
  /** The epoch at whose start `begin` runs. Default 0. */
  readonly beginsAt?: number;
  /** Remembers what later forgettings need. */
  readonly begin?: (context: ForgetContext) => void | Promise<void>;
  /** Changes the weights. */
  readonly forget: (context: ForgetContext) => void | Promise<void>;
  /** Takes up what was still due when the training stopped that now goes on. */
  readonly resume?: (context: ForgetContext) => void;
  /** The variables that hold still from the first forgetting on. */
  readonly frozen?: (model: LayersModel) => ReadonlySet<Variable>;
  /** Throws if the operation does not fit the model. */
  readonly check?: (model: LayersModel) => void;
}

/** Options as JSON; a function is only named as such. */
export function asJson(options: object): { readonly [key: string]: Json } {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, typeof value === 'function' ? 'a function' : (value ?? null)]),
  );
}

/** The weights of a layer that training moves now; a frozen layer has none. */
export function trainedWeightsOf(layer: ModelLayer): { weight: ModelWeight; place: number }[] {
  const trained = new Set<unknown>(layer.layer.trainableWeights.map((weight) => weight.read()));
  return layerWeights(layer).flatMap((weight, place) => (trained.has(weight.variable) ? [{ weight, place }] : []));
}

/** The chosen layers; throws if none has a trained weight. */
export function selectTrained(
  owner: string,
  argument: string,
  model: LayersModel,
  selection: LayerSelection | undefined,
): ModelLayer[] {
  const layers = selection === undefined ? modelLayers(model) : selectLayers(model, selection, owner, argument);
  if (layers.some((layer) => trainedWeightsOf(layer).length > 0)) return layers;
  throw argumentError(owner, argument, 'a selection with at least one trained weight', selection ?? 'all layers');
}

/** The weight layers whose output is the model's, but for layers without kernels in between. */
export function headLayers(model: LayersModel): Set<Layer> {
  const heads = new Set<Layer>();
  const visit = (layer: Layer): void => {
    if (layer instanceof LayersModel) layer.outputLayers.forEach(visit);
    else if (layer.weights.some(({ originalName }) => isKernel(originalName))) heads.add(layer);
    else layer.inboundNodes[0]?.inboundLayers.forEach(visit);
  };
  visit(model);
  return heads;
}

/** What a mask rule sees of a weight. */
export interface MaskTarget {
  readonly model: LayersModel;
  readonly layer: ModelLayer;
  readonly weight: ModelWeight;
  readonly values: Float32Array;
  /** Whether its layer is the model's output. */
  readonly head: boolean;
  /** The mask of the forgetting before. */
  readonly previous: Uint8Array | undefined;
  readonly stream: RandomStream;
}

/** How a masked operation works: which weights are kept, and what becomes of both parts. */
export interface MaskedOperation {
  readonly name: string;
  readonly options: object;
  readonly layers?: LayerSelection | undefined;
  /** 1 where a weight is kept; `undefined` leaves all of it alone. */
  readonly mask: (target: MaskTarget) => Uint8Array | undefined;
  /** When the mask is made: once at the start, or at every forgetting. */
  readonly when: 'same' | 'new';
  /** What becomes of what is kept. */
  readonly kept: 'stay' | 'rewind';
  /** What becomes of the rest. */
  readonly dropped: 'reinit' | 'zero';
  readonly reinit?: ReinitLaw;
  /** Whether the mask of a forgetting holds until the next one. */
  readonly holds?: (generation: number) => boolean;
  /** Whether the rest is dropped at all at this forgetting. Default always. */
  readonly drops?: (generation: number) => boolean;
  readonly resetOptimizer?: boolean;
  readonly beginsAt?: number;
  readonly check?: (model: LayersModel) => void;
}

/** Makes an operation of mask rule, kept part and dropped part: most of the catalogue. */
export function maskedOperation(operation: MaskedOperation): ForgetOperation {
  const { name, options, layers, when, kept, holds, resetOptimizer = true, beginsAt = 0 } = operation;
  const chosen = (model: LayersModel): ModelLayer[] => selectTrained(name, 'layers', model, layers);
  const remembers = when === 'same' || kept === 'rewind';
  const begin = async (context: ForgetContext): Promise<void> => {
    const heads = headLayers(context.model);
    for (const layer of chosen(context.model)) {
      for (const { weight } of trainedWeightsOf(layer)) {
        const { memory } = context;
        const { key, variable } = weight;
        const values = new Float32Array(await variable.data());
        if (kept === 'rewind') memory.set(`first:${key}`, { values, shape: variable.shape });
        if (when === 'same') maskFor(operation, context, layer, weight, values, heads);
      }
    }
  };
  return {
    name,
    options: asJson(options),
    resetOptimizer,
    check: (model) => {
      chosen(model);
      operation.check?.(model);
    },
    ...(remembers ? { begin, beginsAt } : {}),
    forget: async (context) => {
      const { model, memory, generation } = context;
      for (const key of [...memory.keys()]) if (key.startsWith('held:')) memory.delete(key);
      if (operation.drops?.(generation) === false) return;
      const heads = headLayers(model);
      for (const layer of chosen(model)) {
        for (const { weight, place } of trainedWeightsOf(layer)) {
          const { key, variable } = weight;
          const values = new Float32Array(await variable.data());
          const mask =
            when === 'same' ? maskOf(memory, key) : maskFor(operation, context, layer, weight, values, heads);
          if (!mask) continue;
          if (holds?.(generation)) memory.set(`held:${key}`, { values: mask, shape: variable.shape });
          const first = memory.get(`first:${key}`)?.values;
          tidy(() => drop(operation, context, { layer, weight, place, mask, first }));
        }
      }
    },
  };
}

const maskOf = (memory: ForgetMemory, key: string): Uint8Array | undefined =>
  memory.get(`mask:${key}`)?.values as Uint8Array | undefined;

/** Makes the mask of a weight and remembers it. */
function maskFor(
  { name, mask: rule }: MaskedOperation,
  { model, memory, seed, generation }: ForgetContext,
  layer: ModelLayer,
  weight: ModelWeight,
  values: Float32Array,
  heads: ReadonlySet<Layer>,
): Uint8Array | undefined {
  const { key } = weight;
  const previous = maskOf(memory, key);
  const stream = randomStream(seed, `${name}/mask/${key}`, generation);
  const mask = rule({ model, layer, weight, values, head: heads.has(layer.layer), previous, stream });
  if (mask) memory.set(`mask:${key}`, { values: mask, shape: weight.variable.shape });
  return mask;
}

interface Drop {
  readonly layer: ModelLayer;
  readonly weight: ModelWeight;
  readonly place: number;
  readonly mask: Uint8Array;
  readonly first: Float32Array | Uint8Array | undefined;
}

/** Keeps or rewinds one part of a weight, and replaces the other. */
function drop(
  { name, dropped, reinit = 'official' }: MaskedOperation,
  { seed, generation }: ForgetContext,
  { layer, weight: { variable }, place, mask, first }: Drop,
): void {
  const { shape } = variable;
  const stay: Tensor = first ? tensor(first as Float32Array, shape) : variable;
  const key: ReinitKey = { seed, purpose: name, generation };
  const fresh = dropped === 'zero' ? zerosLike(variable) : freshValues(layer, reinit, key)[place];
  variable.assign(fresh ? where(tensor(mask, shape, 'bool'), stay, fresh) : stay);
}

/** Copies of what is remembered, as tensors. */
export function memoryTensors(memory: ForgetMemory): NamedTensorMap {
  return Object.fromEntries(
    [...memory].map(([key, { values, shape }]) => [
      key,
      tensor(values.slice(), shape, values instanceof Uint8Array ? 'bool' : 'float32'),
    ]),
  );
}
