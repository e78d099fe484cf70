import { type serialization, type Tensor, tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { type Layer, layerWeights, type ModelLayer, type ModelWeight } from './model_weights.js';
import { deriveSeed, type RandomStream, randomStream } from './random.js';

/**
 * The law that new values come from:
 * - `'own'`: what the layer itself would draw if it were built afresh (kernel, bias, batch norm and all);
 * - `'uniformFanIn'`: U(-1/sqrt(fan-in), 1/sqrt(fan-in)), for weights of rank 2 and more; others stay;
 * - a function that returns the new value, or `undefined` to leave the weight alone.
 */
export type ReinitLaw = 'own' | 'uniformFanIn' | ((weight: ModelWeight, stream: RandomStream) => Tensor | undefined);

/** Where the random numbers of one reset come from: another generation, another draw. */
export interface ReinitKey {
  readonly seed: number;
  /** Keeps the draws of different methods apart. */
  readonly purpose: string;
  readonly generation: number;
}

/**
 * Draws the weights of layers anew, from a stream that depends on (seed, purpose, generation, name of the weight) and
 * on nothing else; a seeded tfjs initializer would give the same numbers each time. The variables stay the same
 * objects, so an optimizer keeps its slots.
 */
export function reinitialize(layers: readonly ModelLayer[], law: ReinitLaw, key: ReinitKey): void {
  for (const layer of layers) {
    const weights = layerWeights(layer);
    if (weights.length === 0) continue;
    tidy(() => {
      const fresh = weights.map((weight, i) =>
        law === 'own' ? ownValue(layer, weight, i, key) : draw(weight, law, key),
      );
      weights.forEach((weight, i) => {
        const value = fresh[i];
        if (value) weight.variable.assign(value);
      });
    });
  }
}

/** Inputs that one output of a weight sums over: all axes but the last. */
export function fanIn(shape: readonly number[]): number {
  return shape.slice(0, -1).reduce((product, length) => product * length, 1);
}

function draw(weight: ModelWeight, law: Exclude<ReinitLaw, 'own'>, key: ReinitKey): Tensor | undefined {
  const stream = randomStream(key.seed, `${key.purpose}/${weight.key}`, key.generation);
  if (typeof law === 'function') return law(weight, stream);
  const { shape, size } = weight.variable as Variable;
  if (shape.length < 2) return undefined;
  const bound = 1 / Math.sqrt(fanIn(shape));
  return tensor(
    Float32Array.from({ length: size }, () => bound * (2 * stream.uniform() - 1)),
    shape,
  );
}

/**
 * The value of one weight in a twin of its layer, built from the same config with other seeds. Each weight has a twin of
 * its own: a wrapper such as Bidirectional would build both its layers from one seed.
 */
function ownValue({ layer }: ModelLayer, weight: ModelWeight, place: number, key: ReinitKey): Tensor | undefined {
  const config = reseeded(layer.getConfig(), `${key.purpose}/${weight.key}`, key) as serialization.ConfigDict;
  const cls = layer.constructor as serialization.SerializableConstructor<Layer> & typeof serialization.Serializable;
  const twin = cls.fromConfig(cls, config) as Layer;
  const shapes = layer.inboundNodes[0]?.inputShapes;
  if (!shapes) throw new Error(`reinitialize: ${layer.name} must have been applied to an input, received none.`);
  twin.build(shapes.length === 1 ? (shapes[0] as number[]) : shapes);
  const value = twin.weights[place]?.read().clone();
  for (const own of twin.weights) own.dispose();
  return value;
}

/** A copy of a config in which every seed, set or not, is one of this reset's; its place in the config tells them apart. */
function reseeded(value: unknown, path: string, key: ReinitKey): unknown {
  if (Array.isArray(value)) return value.map((item, i) => reseeded(item, `${path}/${i}`, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === 'seed' ? deriveSeed(key.seed, path, key.generation) : reseeded(inner, `${path}/${name}`, key),
    ]),
  );
}
