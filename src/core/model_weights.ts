import type { Variable } from '@tensorflow/tfjs-core';
import { LayersModel, type LayerVariable, type layers } from '@tensorflow/tfjs-layers';

/** A tfjs layer. */
export type Layer = InstanceType<typeof layers.Layer>;

/** A layer of a model, with the two names it goes by. */
export interface ModelLayer {
  readonly layer: Layer;
  /** Its name; within a nested model `outer/inner`. */
  readonly name: string;
  /** As `name`, with tfjs's running numbers replaced by positions: equal for equal models, in any process. */
  readonly key: string;
}

/** A weight of a model, found by the layer that owns it and not by the name of its variable. */
export interface ModelWeight {
  /** Name of the owning layer; within a nested model `outer/inner`. */
  readonly layer: string;
  /** Short name, as in `kernel` or `bias`. */
  readonly name: string;
  /** `layer/name` that equal models share, in any process. */
  readonly key: string;
  /** The variable that an optimizer updates. Its own name is unique in the process and may carry a suffix. */
  readonly variable: Variable;
}

/** tfjs counts the names it makes up through the whole process: `dense_Dense7`, `model3`, `sequential_2`. */
function madeUpPrefix(layer: Layer): string | undefined {
  const name = layer.name;
  const className = layer.getClassName();
  const stem = name.replace(/\d+$/, '');
  if (stem === name) return undefined;
  if (stem.endsWith(`_${className}`)) return stem;
  return layer instanceof LayersModel && /^(model|sequential_|functional_?)$/i.test(stem) ? stem : undefined;
}

/**
 * The layers of a model from input to output (the order of `model.layers`, by depth), those of a nested model in its
 * place; a layer that is used twice stands where it comes first.
 */
export function modelLayers(model: LayersModel): ModelLayer[] {
  const found = new Map<Layer, ModelLayer>();
  const visit = (container: LayersModel, outerName: string, outerKey: string): void => {
    const counts = new Map<string, number>();
    for (const layer of container.layers) {
      const prefix = madeUpPrefix(layer);
      let key = layer.name;
      if (prefix !== undefined) {
        const count = (counts.get(prefix) ?? 0) + 1;
        counts.set(prefix, count);
        key = `${prefix}#${count}`;
      }
      if (found.has(layer)) continue;
      const entry: ModelLayer = { layer, name: outerName + layer.name, key: outerKey + key };
      if (layer instanceof LayersModel) visit(layer, `${entry.name}/`, `${entry.key}/`);
      else found.set(layer, entry);
    }
  };
  visit(model, '', '');
  return [...found.values()];
}

/** The short names of a layer's weights; a wrapper may hold two of the same name, so these get a suffix. */
function shortNames(weights: readonly LayerVariable[]): string[] {
  const counts = new Map<string, number>();
  return weights.map(({ originalName }) => {
    const name = originalName.slice(originalName.lastIndexOf('/') + 1);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  });
}

/** All weights of a layer, trainable or not, in the order in which it made them. */
export function layerWeights({ layer, name, key }: ModelLayer): ModelWeight[] {
  const weights = layer.weights;
  const names = shortNames(weights);
  return weights.map((weight, i) => ({
    layer: name,
    name: names[i] as string,
    key: `${key}/${names[i]}`,
    variable: weight.read() as Variable,
  }));
}

/** All weights of a model, layer by layer; a weight that two layers share counts for the first. */
export function modelWeights(model: LayersModel): ModelWeight[] {
  const seen = new Set<Variable>();
  const all: ModelWeight[] = [];
  for (const layer of modelLayers(model)) {
    for (const weight of layerWeights(layer)) {
      if (seen.has(weight.variable)) continue;
      seen.add(weight.variable);
      all.push(weight);
    }
  }
  return all;
}

/** The weights of a model by the name of their variable, which is what an optimizer is handed. */
export function weightsByVariable(model: LayersModel): Map<string, ModelWeight> {
  return new Map(modelWeights(model).map((weight) => [weight.variable.name, weight]));
}
