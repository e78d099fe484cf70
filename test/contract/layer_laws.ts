import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { randomStream } from '../../src/core/random.js';
import { largestError } from '../cropr/golden.js';
import {
  apply,
  disposeLayer,
  disturbWeights,
  lossOf,
  onBackend,
  packed,
  rowInputs,
  rowState,
  type State,
  symbolicInputs,
  unpacked,
  weightsByName,
  withLayer,
} from './layer_runs.js';
import type { LayerRow } from './layers.js';

/** A law that every public layer obeys on every backend. */
export type LayerLaw = (row: LayerRow) => void | Promise<void>;

/** Numbers of a tensor, with its shape and type: what two runs are compared by. */
type Snapshot = { shape: number[]; dtype: string; values: number[] };

function snapshot(tensor: tf.Tensor): Snapshot {
  return { shape: tensor.shape, dtype: tensor.dtype, values: Array.from(tensor.dataSync()) };
}

/** The layer that a config of JSON says. */
function rebuilt(layer: tf.layers.Layer, config: tf.serialization.ConfigDict): tf.layers.Layer {
  const entry = tf.serialization.SerializationMap.getMap().classNameMap[layer.getClassName()];
  if (!entry) throw new Error(`${layer.getClassName()} is not registered.`);
  const [cls, fromConfig] = entry;
  return fromConfig(cls, config) as tf.layers.Layer;
}

/** Spoils everything in a JSON object. */
function scramble(json: object): void {
  for (const [key, value] of Object.entries(json)) {
    if (typeof value === 'object' && value !== null) scramble(value);
    Reflect.set(json, key, 'spoilt');
  }
}

/** The config is JSON, says everything, and is the caller's own to change. */
export const configRoundTrip: LayerLaw = (row) => {
  const layer = row.create('layer');
  expect(layer.getClassName()).toMatch(/^LLF[A-Z]/);
  const config = layer.getConfig();
  const json = JSON.stringify(config);
  expect(JSON.parse(json)).toStrictEqual(config);
  scramble(config);
  expect(JSON.stringify(layer.getConfig()), 'after the first config was spoilt').toBe(json);
  const copy = rebuilt(layer, JSON.parse(json) as tf.serialization.ConfigDict);
  expect(JSON.stringify(copy.getConfig())).toBe(json);
  const outputs = [layer, copy].map((one) =>
    tf.tidy(() => {
      const results = apply(one, rowInputs(row, 2)).map(snapshot);
      disposeLayer(one);
      return results;
    }),
  );
  expect(outputs[1], 'first weights and random choices come from the config').toEqual(outputs[0]);
};

function modelOf(row: LayerRow, names: readonly string[] = ['layer']): tf.LayersModel {
  const inputs = symbolicInputs(row);
  const outputs = names.flatMap((name) => unpacked(row.create(name).apply(packed(inputs)) as tf.SymbolicTensor));
  const model = tf.model({ inputs, outputs });
  for (const name of names) disturbWeights(model.getLayer(name), name);
  return model;
}

function predict(model: tf.LayersModel, row: LayerRow, batch = 2): Snapshot[] {
  return tf.tidy(() => unpacked(model.predict(packed(rowInputs(row, batch)))).map(snapshot));
}

/** A saved and loaded model predicts the same bits. */
export const saveAndLoad: LayerLaw = async (row) => {
  const model = modelOf(row);
  let saved: tf.io.ModelArtifacts | undefined;
  const handler = tf.io.withSaveHandler(async (artifacts) => {
    saved = artifacts;
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
  });
  await model.save(handler);
  // What a file would hold: the topology went through JSON.
  const topology = JSON.parse(JSON.stringify(saved?.modelTopology)) as Record<string, unknown>;
  const loaded = await tf.loadLayersModel(tf.io.fromMemory({ ...saved, modelTopology: topology }));
  expect(predict(loaded, row)).toEqual(predict(model, row));
  model.dispose();
  loaded.dispose();
};

function withBatch(shapes: readonly (readonly (number | null)[])[], batch: number): (number | null)[][] {
  return shapes.map(([first, ...rest]) => [first ?? batch, ...rest]);
}

/** Shapes are known beforehand, batch aside, and are those that come out; asking for them changes nothing. */
export const shapes: LayerLaw = (row) => {
  const inputs = symbolicInputs(row);
  const layer = row.create('layer');
  const symbolic = unpacked(layer.apply(packed(inputs)) as tf.SymbolicTensor).map(({ shape }) => shape);
  for (const shape of symbolic) expect(shape[0]).toBeNull();
  const given = inputs.map(({ shape }) => Object.freeze([...shape]) as (number | null)[]);
  const asked = () => layer.computeOutputShape(packed(given)) as (number | null)[] | (number | null)[][];
  const first = asked();
  const listed = (answer: ReturnType<typeof asked>) => (Array.isArray(answer[0]) ? answer : [answer]) as number[][];
  expect(listed(first)).toEqual(symbolic);
  for (const shape of listed(first)) shape.fill(-1);
  expect(listed(asked()), 'after the first answer was changed').toEqual(symbolic);
  for (const batch of [1, 3]) {
    const eager = tf.tidy(() => apply(layer, rowInputs(row, batch), false).map(({ shape }) => shape));
    expect(eager).toEqual(withBatch(symbolic, batch));
    const known = layer.computeOutputShape(packed(withBatch(given, batch)));
    expect(listed(known as number[][])).toEqual(eager);
  }
  disposeLayer(layer);
};

/** The first sample of a batch gets what it gets alone. */
export const batchOfOne: LayerLaw = (row) => {
  const model = modelOf(row);
  const together = predict(model, row, 3);
  predict(model, row, 1).forEach(({ shape, dtype, values }, i) => {
    const { shape: wide, dtype: same, values: all } = together[i] as Snapshot;
    expect(shape).toEqual([1, ...wide.slice(1)]);
    expect(dtype).toBe(same);
    expect(largestError(values, all.slice(0, values.length))).toBeLessThanOrEqual(1e-5);
  });
  model.dispose();
};

/** Gradients of a loss over the outputs: for the weights, by name, and for the float inputs, by place. */
interface Gradients {
  weights: Map<string, Float32Array | null>;
  inputs: Map<number, Float32Array | null>;
}

/** Which outputs the loss leaves out. */
type LeftOut = readonly number[];

function floatPlaces(row: LayerRow): number[] {
  return row.inputs.flatMap(({ dtype = 'float32' }, i) => (dtype === 'float32' ? [i] : []));
}

function gradients(row: LayerRow, state: State, leftOut: LeftOut): Gradients {
  return withLayer(row, state, (layer, given) => {
    const places = floatPlaces(row);
    const named = weightsByName(layer);
    const inputs = places.map((place) => tf.variable(given[place] as tf.Tensor));
    const touched = tf.variable(tf.scalar(0));
    const all = [touched, ...inputs, ...named.map(({ variable }) => variable)];
    const { grads } = tf.variableGrads(() => {
      const used = given.map((tensor, i) => inputs[places.indexOf(i)] ?? tensor);
      return tf.add(lossOf(apply(layer, used), leftOut), touched).asScalar();
    }, all);
    const values = (variable: tf.Variable): Float32Array | null =>
      (grads[variable.name]?.dataSync().slice() as Float32Array | undefined) ?? null;
    const result: Gradients = {
      weights: new Map(named.map(({ name, variable }) => [name, values(variable)])),
      inputs: new Map(places.map((place, i) => [place, values(inputs[i] as tf.Variable)])),
    };
    for (const variable of [touched, ...inputs]) variable.dispose();
    return result;
  });
}

interface Evaluation {
  loss: number;
  /** Integer outputs: rankings and ids, that must not change under the step of a finite difference. */
  ranks: Snapshot[];
}

function evaluate(row: LayerRow, state: State, leftOut: LeftOut): Evaluation {
  return withLayer(row, state, (layer, inputs) => {
    const outputs = apply(layer, inputs);
    return {
      loss: lossOf(outputs, leftOut).dataSync()[0] as number,
      ranks: outputs.filter(({ dtype }) => dtype === 'int32').map(snapshot),
    };
  });
}

/** The state with one weight or input moved along a direction. */
type Move = (step: number) => State;

function moveWeight(state: State, name: string, direction: Float32Array): Move {
  const start = state.weights.get(name) as Float32Array;
  return (step) => ({ ...state, weights: new Map(state.weights).set(name, moved(start, direction, step)) });
}

function moveInput(state: State, place: number, direction: Float32Array): Move {
  const start = state.inputs[place] as Float32Array;
  return (step) => ({
    ...state,
    inputs: state.inputs.map((values, i) => (i === place ? moved(start, direction, step) : values)),
  });
}

function moved(start: Float32Array, direction: Float32Array, step: number): Float32Array {
  return start.map((value, i) => value + step * (direction[i] as number));
}

/** Signs at random. */
function signs(purpose: string, index: number, count: number): Float32Array {
  const stream = randomStream(7, purpose, index);
  return Float32Array.from({ length: count }, () => (stream.uniform() < 0.5 ? -1 : 1));
}

const DIRECTIONS = 3;
/** Length of the step of a finite difference. */
const STEP = 0.01;

/** Slope by five points, whose error falls with the fourth power of the step. */
function slope(row: LayerRow, move: Move, leftOut: LeftOut, count: number, what: string): number {
  const step = STEP * count ** -0.5;
  const { ranks } = evaluate(row, move(0), leftOut);
  const at = (steps: number): number => {
    const evaluation = evaluate(row, move(steps * step), leftOut);
    expect(evaluation.ranks, `the ranking changes with ${what}: choose another seed for "${row.name}"`).toEqual(ranks);
    return evaluation.loss;
  };
  return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
}

/** A gradient is there, finite, not zero, and has the slopes of finite differences (on cpu) in random directions. */
function expectSlopes(
  row: LayerRow,
  gradient: Float32Array | null | undefined,
  moves: (direction: Float32Array) => Move,
  leftOut: LeftOut,
  what: string,
): void {
  expect(gradient, `${what} has a gradient`).toBeInstanceOf(Float32Array);
  const known = gradient as Float32Array;
  expect(known.every(Number.isFinite), `${what} has a finite gradient`).toBe(true);
  expect(
    known.some((value) => value !== 0),
    `${what} has a gradient that is not zero`,
  ).toBe(true);
  for (let i = 0; i < DIRECTIONS; i++) {
    const direction = signs(`${row.name}/${what}`, i, known.length);
    const expected = onBackend('cpu', () => slope(row, moves(direction), leftOut, known.length, what));
    const received = known.reduce((sum, value, place) => sum + value * (direction[place] as number), 0);
    expect(Math.abs(received - expected), `${what}: gradient ${received}, difference ${expected}`).toBeLessThan(
      1e-3 * (1 + Math.abs(expected)),
    );
  }
}

/** Every weight, by name, and every float input has the gradient of finite differences. */
export const gradientsAreSlopes: LayerLaw = (row) => {
  const { fixedWeights = [], fixedInputs = [], detachedOutputs = [], constantOutputs = [] } = row;
  const state = rowState(row);
  const ofWeights = gradients(row, state, constantOutputs).weights;
  for (const name of fixedWeights) expect([...ofWeights.keys()]).toContain(name);
  for (const [name, gradient] of ofWeights) {
    if (fixedWeights.includes(name)) continue;
    expectSlopes(row, gradient, (direction) => moveWeight(state, name, direction), constantOutputs, name);
  }
  const leftOut = [...constantOutputs, ...detachedOutputs];
  for (const [place, gradient] of gradients(row, state, leftOut).inputs) {
    if (fixedInputs.includes(place)) continue;
    const moves = (direction: Float32Array): Move => moveInput(state, place, direction);
    expectSlopes(row, gradient, moves, leftOut, `input ${place}`);
  }
};

function expectNothing(gradient: Float32Array | null | undefined, what: string): void {
  expect(
    Array.from(gradient ?? []).filter((value) => value !== 0),
    `${what} gets no gradient`,
  ).toEqual([]);
}

/** What by design gets no gradient gets none at all: not small, but zero. */
export const noOtherGradients: LayerLaw = (row) => {
  const { fixedWeights = [], fixedInputs = [], detachedOutputs = [], constantOutputs = [] } = row;
  const state = rowState(row);
  const everything = gradients(row, state, []);
  for (const name of fixedWeights) expectNothing(everything.weights.get(name), name);
  for (const place of fixedInputs) expectNothing(everything.inputs.get(place), `input ${place}`);
  const others = (chosen: readonly number[]): number[] =>
    Array.from({ length: 9 }, (_, i) => i).filter((i) => !chosen.includes(i));
  const ofConstants = gradients(row, state, others(constantOutputs));
  for (const [name, gradient] of ofConstants.weights) expectNothing(gradient, `${name}, from constant outputs,`);
  const ofDetached = gradients(row, state, others([...constantOutputs, ...detachedOutputs]));
  for (const [place, gradient] of ofDetached.inputs) expectNothing(gradient, `input ${place}, from detached outputs,`);
};

/** Two instances in one model have weights of their own and do not touch each other. */
export const twoInstances: LayerLaw = (row) => {
  const alone = modelOf(row, ['first']);
  const both = modelOf(row, ['first', 'second']);
  expect(new Set(both.weights.map(({ name }) => name)).size).toBe(2 * alone.weights.length);
  const expected = predict(alone, row);
  const count = expected.length;
  const before = predict(both, row);
  expect(before.slice(0, count)).toEqual(expected);
  disturbWeights(both.getLayer('second'), 'again');
  const after = predict(both, row);
  expect(after.slice(0, count)).toEqual(expected);
  const depends = (row.fixedWeights ?? []).length < alone.weights.length;
  if (depends) expect(after.slice(count)).not.toEqual(before.slice(count));
  const first = both.getLayer('first').getWeights();
  const kept = first.map(snapshot);
  tf.tidy(() => both.getLayer('second').setWeights(first.map((weight) => tf.zerosLike(weight))));
  expect(both.getLayer('first').getWeights().map(snapshot)).toEqual(kept);
  alone.dispose();
  both.dispose();
};

/** Multiplies by one trainable number, so that there is something to train before a layer without weights. */
class Gain extends tf.layers.Layer {
  static readonly className = 'TestGain';
  private gain: ReturnType<tf.layers.Layer['addWeight']> | undefined;

  override build(shape: tf.Shape | tf.Shape[]): void {
    this.gain = this.addWeight('gain', [], 'float32', tf.initializers.ones());
    super.build(shape);
  }

  override computeOutputShape(shape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    return shape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const gain = this.gain?.read() ?? tf.scalar(1);
    return tf.tidy(() => tf.mul(unpacked(inputs)[0] as tf.Tensor, gain));
  }
}

/** The float outputs (those that are not empty) of the layer behind a gain on each float input, compiled. */
function trainableModel(row: LayerRow): tf.LayersModel {
  const inputs = symbolicInputs(row);
  const gained = inputs.map((input) =>
    input.dtype === 'float32' ? (new Gain({}).apply(input) as tf.SymbolicTensor) : input,
  );
  const isTrained = tf.tidy(() => {
    const layer = row.create('probe');
    const trained = apply(layer, rowInputs(row, 1), false).map(({ dtype, size }) => dtype === 'float32' && size > 0);
    disposeLayer(layer);
    return trained;
  });
  const outputs = unpacked(row.create('layer').apply(packed(gained)) as tf.SymbolicTensor);
  const model = tf.model({ inputs, outputs: outputs.filter((_, i) => isTrained[i]) });
  const loss = (target: tf.Tensor, output: tf.Tensor): tf.Tensor => tf.sum(tf.square(tf.sub(target, output)));
  model.compile({ optimizer: tf.train.sgd(1e-3), loss });
  return model;
}

/** Three predictions and two trainings leave no tensor behind, nor data of one. */
export const noLeak: LayerLaw = async (row) => {
  const model = trainableModel(row);
  const x = packed(rowInputs(row, 4));
  const y = packed(model.outputs.map(({ shape }) => tf.zeros([4, ...(shape.slice(1) as number[])])));
  const train = async (): Promise<void> => {
    await model.fit(x, y, { batchSize: 2, epochs: 1, shuffle: false, verbose: 0 });
  };
  const look = (): void => tf.dispose(model.predict(x, { batchSize: 2 }));
  // The first time makes what stays: the optimizer's own, constants of the backend.
  const start = model.getWeights().map(snapshot);
  await train();
  look();
  expect(model.getWeights().map(snapshot)).not.toEqual(start);
  const { numTensors, numDataBuffers } = tf.memory();
  for (let i = 0; i < 3; i++) look();
  for (let i = 0; i < 2; i++) await train();
  expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
  model.dispose();
  tf.dispose([x, y]);
};

/** Outputs and gradients are those of the cpu backend. */
export const agreesWithCpu: LayerLaw = (row) => {
  const state = rowState(row);
  const run = () => ({
    outputs: withLayer(row, state, (layer, inputs) => apply(layer, inputs).map(snapshot)),
    ...gradients(row, state, []),
  });
  const here = run();
  const there = onBackend('cpu', run);
  here.outputs.forEach(({ values, ...kind }, i) => {
    const { values: expected, ...sameKind } = there.outputs[i] as Snapshot;
    expect(kind).toEqual(sameKind);
    expect(largestError(values, expected), `output ${i}`).toBeLessThanOrEqual(1e-5);
  });
  const near = (gradient: Float32Array | null, expected: Float32Array | null | undefined, what: string): void => {
    expect(gradient?.length, what).toBe(expected?.length);
    expect(largestError(gradient ?? [], expected ?? []), what).toBeLessThanOrEqual(1e-5);
  };
  for (const [name, gradient] of here.weights) near(gradient, there.weights.get(name), name);
  for (const [place, gradient] of here.inputs) near(gradient, there.inputs.get(place), `input ${place}`);
};
