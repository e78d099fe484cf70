import { type serialization, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { type Layer, layerWeights, type ModelLayer, type ModelWeight } from './model_weights.js';
import { deriveSeed, type RandomStream, randomStream } from './random.js';

/**
 * The law that new values come from:
 * - `'official'`: kernels from U(-1/sqrt(fan-in), 1/sqrt(fan-in)), as the code of SEAL and of Fortuitous Forgetting does
 *   whatever the first law was; all other weights stay;
 * - `'torch'`: biases too, with the fan-in of their kernel, and all weights of a recurrent layer with its number of units,
 *   as torch's `reset_parameters` does; what has no kernel, as `'own'`;
 * - `'own'`: what the layer itself would draw if it were built afresh (kernel, bias, batch norm and all);
 * - a function that returns the new value, or `undefined` to leave the weight alone.
 */
export type ReinitLaw =
  | 'official'
  | 'torch'
  | 'own'
  | ((weight: ModelWeight, stream: RandomStream) => Tensor | undefined);

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
    tidy(() => {
      const fresh = freshValues(layer, law, key);
      layerWeights(layer).forEach(({ variable }, i) => {
        const value = fresh[i];
        if (value) variable.assign(value);
      });
    });
  }
}

/** New values for the weights of a layer, in their order; `undefined` for those that the law leaves alone. */
export function freshValues(layer: ModelLayer, law: ReinitLaw, key: ReinitKey): (Tensor | undefined)[] {
  const weights = layerWeights(layer);
  return weights.map((weight, i) => {
    if (law === 'own') return ownValue(layer, weight, i, key);
    const stream = randomStream(key.seed, `${key.purpose}/${weight.key}`, key.generation);
    if (typeof law === 'function') return law(weight, stream);
    const fan = law === 'official' ? kernelFanIn(weight) : torchFanIn(weight, weights);
    if (fan === undefined) return law === 'torch' ? ownValue(layer, weight, i, key) : undefined;
    return uniform(weight.variable, 1 / Math.sqrt(fan), stream);
  });
}

/** Inputs that one output of a weight sums over: all axes but the last; of a depthwise kernel its area. */
export function fanIn(shape: readonly number[], depthwise = false): number {
  return shape.slice(0, depthwise ? -2 : -1).reduce((product, length) => product * length, 1);
}

/** Fan-in of a kernel; `undefined` for other weights. tfjs and this library name kernels so. */
function kernelFanIn({ name, variable: { shape } }: ModelWeight): number | undefined {
  return isKernel(name) && shape.length > 1 ? fanIn(shape, name.startsWith('depthwise')) : undefined;
}

/** Whether a weight is a kernel, by its short name. */
export function isKernel(name: string): boolean {
  return /kernel(_\d+)?$/i.test(name);
}

function torchFanIn({ name }: ModelWeight, weights: readonly ModelWeight[]): number | undefined {
  const kernelName = name.replace('bias', 'kernel').replace('Bias', 'Kernel');
  const find = (wanted: string): ModelWeight | undefined => weights.find((weight) => weight.name === wanted);
  const own = find(kernelName);
  const fan = own && kernelFanIn(own);
  const units = find(kernelName.replace(/^(recurrent_)?kernel/, 'recurrent_kernel'))?.variable.shape[0];
  return fan === undefined ? undefined : (units ?? fan);
}

function uniform({ shape, size }: Tensor, bound: number, stream: RandomStream): Tensor {
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
