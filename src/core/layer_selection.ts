import type { LayersModel } from '@tensorflow/tfjs-layers';
import { argumentError } from './checks.js';
import { type Layer, type ModelLayer, modelLayers } from './model_weights.js';

/** All layers before one, from input to output. */
export interface LayersBefore {
  /** Name of that layer. */
  readonly before: string;
}

/** A layer and all after it. */
export interface LayersFrom {
  /** Name of that layer. */
  readonly from: string;
}

/**
 * Which layers of a model: one name, several, everything before or from a layer on (from input to output), or a
 * predicate. A layer in a nested model goes by `outer/inner`, or by its own name where only one has it; the name of a
 * nested model stands for all layers in it.
 */
export type LayerSelection =
  | string
  | readonly string[]
  | LayersBefore
  | LayersFrom
  | ((layer: Layer, name: string) => boolean);

/** Edit distance of two strings, or of two lists. */
export function distance(a: ArrayLike<unknown>, b: ArrayLike<unknown>): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(substitution, (previous[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    previous = row;
  }
  return previous[b.length] as number;
}

/** The three names most like `name`. */
export function nearest(name: string, names: readonly string[]): string[] {
  return [...new Set(names)]
    .map((candidate) => ({ candidate, edits: distance(name, candidate) }))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** Positions of the layers that a name stands for. */
function positions(owner: string, argument: string, layers: readonly ModelLayer[], name: string): number[] {
  if (typeof name !== 'string') throw argumentError(owner, argument, 'the name of a layer of the model', name);
  const where = (matches: (layer: ModelLayer) => boolean): number[] =>
    layers.flatMap((layer, i) => (matches(layer) ? [i] : []));
  const exact = where((layer) => layer.name === name);
  if (exact.length > 0) return exact;
  const inside = where((layer) => layer.name.startsWith(`${name}/`));
  if (inside.length > 0) return inside;
  const nested = where((layer) => layer.name.endsWith(`/${name}`));
  if (nested.length === 1) return nested;
  if (nested.length > 1) {
    const full = nested.map((i) => `"${(layers[i] as ModelLayer).name}"`).join(' or ');
    throw argumentError(owner, argument, `the name of one layer (${full})`, name);
  }
  const known = nearest(
    name,
    layers.map((layer) => layer.name),
  );
  const hint = known.map((candidate) => `"${candidate}"`).join(', ');
  throw argumentError(owner, argument, `the name of a layer of the model (nearest: ${hint})`, name);
}

/**
 * The chosen layers, from input to output.
 *
 * Throws, in the name of `owner` and `argument`, for an unknown or ambiguous name (it says which names are near) and
 * for a selection that is empty.
 */
export function selectLayers(
  model: LayersModel,
  selection: LayerSelection,
  owner: string,
  argument: string,
): ModelLayer[] {
  const layers = modelLayers(model);
  const chosen = choose(layers, selection, owner, argument);
  if (chosen.length === 0) throw argumentError(owner, argument, 'a selection of at least one layer', selection);
  return chosen;
}

function choose(layers: ModelLayer[], selection: LayerSelection, owner: string, argument: string): ModelLayer[] {
  if (typeof selection === 'function') return layers.filter(({ layer, name }) => selection(layer, name));
  const find = (name: string): number[] => positions(owner, argument, layers, name);
  if (typeof selection === 'string') return find(selection).map((i) => layers[i] as ModelLayer);
  if (typeof selection === 'object' && selection !== null) {
    if ('before' in selection) return layers.slice(0, Math.min(...find(selection.before)));
    if ('from' in selection) return layers.slice(Math.min(...find(selection.from)));
    if (Array.isArray(selection)) {
      const wanted = new Set(selection.flatMap((name) => find(name)));
      return layers.filter((_, i) => wanted.has(i));
    }
  }
  throw argumentError(owner, argument, 'a name, a list of names, { before }, { from } or a predicate', selection);
}
