import * as tf from '@tensorflow/tfjs';
import { layerWeights, type ModelWeight } from '../../src/core/model_weights.js';
import { randomStream } from '../../src/core/random.js';
import type { Backend } from '../setup/backends.js';
import type { InputSpec, LayerRow } from './layers.js';

/** What a run starts from, as plain numbers: the same on every backend. */
export interface State {
  readonly inputs: readonly Float32Array[];
  /** By short name, in the layer's order. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly batch: number;
}

function normals(purpose: string, index: number, count: number): Float32Array {
  const stream = randomStream(11, purpose, index);
  return Float32Array.from({ length: count }, () => stream.normal());
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** The samples of one input; a sample is the same in every batch. */
function samples(row: LayerRow, place: number, batch: number): Float32Array {
  const { shape, values } = row.inputs[place] as InputSpec;
  const size = sizeOf(shape);
  const all = new Float32Array(batch * size);
  for (let sample = 0; sample < batch; sample++) {
    all.set(values?.(sample) ?? normals(`${row.name}/input ${place}`, sample, size), sample * size);
  }
  return all;
}

function inputTensors(row: LayerRow, { inputs, batch }: Pick<State, 'inputs' | 'batch'>): tf.Tensor[] {
  return row.inputs.map(({ shape, dtype = 'float32' }, i) => {
    const values = inputs[i] as Float32Array;
    return tf.tensor(dtype === 'int32' ? Int32Array.from(values) : values, [batch, ...shape], dtype);
  });
}

export function rowInputs(row: LayerRow, batch: number): tf.Tensor[] {
  return inputTensors(row, { batch, inputs: row.inputs.map((_, i) => samples(row, i, batch)) });
}

/** One tensor alone, several as a list: as tfjs hands them to a layer. */
export function packed<T>(tensors: readonly T[]): T | T[] {
  return tensors.length === 1 ? (tensors[0] as T) : [...tensors];
}

export function unpacked<T>(tensors: T | T[]): T[] {
  return Array.isArray(tensors) ? tensors : [tensors];
}

export function symbolicInputs(row: LayerRow): tf.SymbolicTensor[] {
  return row.inputs.map(({ shape, dtype = 'float32' }) => tf.input({ shape: [...shape], dtype }));
}

export function weightsByName(layer: tf.layers.Layer): ModelWeight[] {
  return layerWeights({ layer, name: layer.name, key: layer.name });
}

/** Moves every weight off its first value, so that a copy with the same seed is not equal by accident. */
export function disturbWeights(layer: tf.layers.Layer, purpose = 'weights'): void {
  for (const { name, variable } of weightsByName(layer)) {
    tf.tidy(() => {
      const shift = tf.tensor(normals(`${purpose}/${name}`, 0, variable.size), variable.shape);
      variable.assign(tf.add(variable, tf.mul(shift, 0.3)));
    });
  }
}

export function disposeLayer(layer: tf.layers.Layer): void {
  for (const { variable } of weightsByName(layer)) variable.dispose();
}

/** A built layer with the given weights, or with its own disturbed ones. */
function builtLayer(row: LayerRow, weights?: State['weights']): tf.layers.Layer {
  const layer = row.create('layer');
  layer.build(packed(row.inputs.map(({ shape }) => [null, ...shape])));
  layer.built = true;
  if (weights === undefined) disturbWeights(layer);
  for (const { name, variable } of weights ? weightsByName(layer) : []) {
    tf.tidy(() => variable.assign(tf.tensor(weights?.get(name) as Float32Array, variable.shape)));
  }
  return layer;
}

export function rowState(row: LayerRow, batch = row.batch ?? 2): State {
  const layer = builtLayer(row);
  const weights = new Map(
    weightsByName(layer).map(({ name, variable }) => [name, variable.dataSync().slice() as Float32Array]),
  );
  disposeLayer(layer);
  return { batch, weights, inputs: row.inputs.map((_, i) => samples(row, i, batch)) };
}

/** Runs the body with tensors and weights of its own and leaves nothing behind. */
export function withLayer<T>(row: LayerRow, state: State, body: (layer: tf.layers.Layer, inputs: tf.Tensor[]) => T): T {
  tf.engine().startScope();
  const layer = builtLayer(row, state.weights);
  try {
    return body(layer, inputTensors(row, state));
  } finally {
    disposeLayer(layer);
    tf.engine().endScope();
  }
}

export function apply(layer: tf.layers.Layer, inputs: tf.Tensor[], training = true): tf.Tensor[] {
  return unpacked(layer.apply(packed(inputs), { training }) as tf.Tensor | tf.Tensor[]);
}

/** A scalar that depends on every float number of the chosen outputs in a way of its own. */
export function lossOf(outputs: readonly tf.Tensor[], leftOut: readonly number[] = []): tf.Scalar {
  const parts = outputs.flatMap((output, i) => {
    if (output.dtype !== 'float32' || output.size === 0 || leftOut.includes(i)) return [];
    const factors = tf.tensor(normals('loss', i, output.size), output.shape);
    return [tf.mul(tf.sum(tf.mul(output, factors)), output.size ** -0.5)];
  });
  return parts.length === 0 ? tf.scalar(0) : tf.addN(parts).asScalar();
}

/** Evaluates on another backend, with everything made anew there. */
export function onBackend<T>(backend: Backend, body: () => T): T {
  const current = tf.getBackend();
  if (current === backend) return body();
  try {
    void tf.setBackend(backend);
    return body();
  } finally {
    void tf.setBackend(current);
  }
}

/** Numbers of a tensor, with its shape and type: what two runs are compared by. */
export type Snapshot = { shape: number[]; dtype: string; values: number[] };

export function snapshot(tensor: tf.Tensor): Snapshot {
  return { shape: tensor.shape, dtype: tensor.dtype, values: Array.from(tensor.dataSync()) };
}

/** Gradients of a loss over the outputs: for the weights, by name, and for the float inputs, by place. */
export interface Gradients {
  weights: Map<string, Float32Array | null>;
  inputs: Map<number, Float32Array | null>;
}

/** Which outputs the loss leaves out. */
export type LeftOut = readonly number[];

function floatPlaces(row: LayerRow): number[] {
  return row.inputs.flatMap(({ dtype = 'float32' }, i) => (dtype === 'float32' ? [i] : []));
}

/** The gradients for the float inputs, then for the weights, as tensors that the caller disposes. */
function gradientTensors(row: LayerRow, state: State, leftOut: LeftOut): (tf.Tensor | undefined)[] {
  return withLayer(row, state, (layer, given) => {
    const places = floatPlaces(row);
    const inputs = places.map((place) => tf.variable(given[place] as tf.Tensor));
    const touched = tf.variable(tf.scalar(0));
    const all = [...inputs, ...weightsByName(layer).map(({ variable }) => variable)];
    const { grads } = tf.variableGrads(() => {
      const used = given.map((tensor, i) => inputs[places.indexOf(i)] ?? tensor);
      return tf.add(lossOf(apply(layer, used), leftOut), touched).asScalar();
    }, [touched, ...all]);
    for (const variable of [touched, ...inputs]) variable.dispose();
    return all.map(({ name }) => grads[name] && tf.keep(grads[name]));
  });
}

export function gradients(row: LayerRow, state: State, leftOut: LeftOut): Gradients {
  const tensors = gradientTensors(row, state, leftOut);
  const values = tensors.map((tensor) => (tensor?.dataSync().slice() as Float32Array | undefined) ?? null);
  tf.dispose(tensors);
  const places = floatPlaces(row);
  return {
    weights: new Map([...state.weights.keys()].map((name, i) => [name, values[places.length + i] ?? null])),
    inputs: new Map(places.map((place, i) => [place, values[i] ?? null])),
  };
}

/** All that a layer does in training, from one state. */
export function runOf(row: LayerRow, state: State): Gradients & { outputs: Snapshot[] } {
  const outputs = withLayer(row, state, (layer, inputs) => apply(layer, inputs).map(snapshot));
  return { outputs, ...gradients(row, state, []) };
}

/** The same as tensors that the caller reads and disposes: the outputs, then the gradients, for the float inputs first. */
export function tensorsOf(row: LayerRow, state: State): (tf.Tensor | undefined)[] {
  const outputs = withLayer(row, state, (layer, inputs) => apply(layer, inputs).map((x) => tf.keep(tf.clone(x))));
  return [...outputs, ...gradientTensors(row, state, [])];
}
