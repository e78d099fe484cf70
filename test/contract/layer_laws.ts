import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { largestError } from '../cropr/golden.js';
import {
  apply,
  disposeLayer,
  disturbWeights,
  onBackend,
  packed,
  rowInputs,
  rowState,
  runOf,
  type Snapshot,
  snapshot,
  symbolicInputs,
  unpacked,
} from './layer_runs.js';
import type { LayerRow } from './layers.js';

/** A law that every public layer obeys on every backend. */
export type LayerLaw = (row: LayerRow) => void | Promise<void>;

/** The layer that the config of another says, once it went through JSON. */
function rebuilt(layer: tf.layers.Layer): tf.layers.Layer {
  const entry = tf.serialization.SerializationMap.getMap().classNameMap[layer.getClassName()];
  if (!entry) throw new Error(`${layer.getClassName()} is not registered.`);
  const [cls, fromConfig] = entry;
  const config = JSON.parse(JSON.stringify(layer.getConfig())) as tf.serialization.ConfigDict;
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
  expect(JSON.stringify(rebuilt(layer).getConfig())).toBe(json);
  const copies: LayerRow = { ...row, create: (name) => rebuilt(row.create(name)) };
  const [state, sameState] = [rowState(row), rowState(copies)];
  expect(sameState, 'the first weights come from the config').toEqual(state);
  expect(runOf(copies, state), 'all that the layer does comes from the config').toEqual(runOf(row, state));
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
  const announced = (shape: number[]) => (row.openWidth ? [...shape.slice(0, -1), null] : shape);
  const first = asked();
  const listed = (answer: ReturnType<typeof asked>) => (Array.isArray(answer[0]) ? answer : [answer]) as number[][];
  expect(listed(first)).toEqual(symbolic);
  for (const shape of listed(first)) shape.fill(-1);
  expect(listed(asked()), 'after the first answer was changed').toEqual(symbolic);
  for (const batch of [1, 3]) {
    const eager = tf.tidy(() => apply(layer, rowInputs(row, batch), false).map(({ shape }) => shape));
    expect(withBatch(symbolic, batch)).toEqual(eager.map(announced));
    const known = layer.computeOutputShape(packed(withBatch(given, batch)));
    expect(listed(known as number[][])).toEqual(eager.map(announced));
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
  const y = packed(model.outputs.map(({ shape }) => tf.zeros([4, ...shape.slice(1).map((size) => size ?? 1)])));
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
  const here = runOf(row, state);
  const there = onBackend('cpu', () => runOf(row, state));
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
