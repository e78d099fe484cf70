import * as tf from '@tensorflow/tfjs';
import { modelWeights } from '../../src/core/model_weights.js';
import { decode, type NumberArray, type RecordedGroup, toTensor } from '../cropr/golden.js';

/** A layer that is nothing but weights. */
class Bag extends tf.layers.Layer {
  static className = 'TestBag';
  private readonly shapes: Record<string, number[]>;

  constructor(name: string, shapes: Record<string, number[]>) {
    super({ name });
    this.shapes = shapes;
  }

  override build(): void {
    for (const [name, shape] of Object.entries(this.shapes)) {
      this.addWeight(name, shape, 'float32', tf.initializers.zeros());
    }
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.clone(Array.isArray(inputs) ? (inputs[0] as tf.Tensor) : inputs);
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape {
    return shape;
  }
}

/** `layer/weight` of a bag for a name of a torch state dict. */
export function bagKey(name: string): string {
  const [layer, kind] = [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.') + 1)];
  return `${layer.replace('.', '_')}/${kind.replace(/^weight_(.*)$/, '$1_kernel').replace('weight', 'kernel')}`;
}

/** Recorded arrays by the key of the bag's weight, in torch's layout. */
export function bagValues(group: RecordedGroup): Map<string, NumberArray> {
  return new Map(Object.entries(group).map(([name, array]) => [bagKey(name), decode(array)] as const));
}

/** A model with exactly these weights, one layer for each prefix, in order. */
export function bag(group: RecordedGroup): tf.LayersModel {
  const layers = new Map<string, Record<string, number[]>>();
  for (const [key, { shape }] of bagValues(group)) {
    const [layer, weight] = key.split('/') as [string, string];
    layers.set(layer, { ...layers.get(layer), [weight]: [...shape] });
  }
  const input = tf.input({ shape: [1] });
  let x = input;
  for (const [name, shapes] of layers) x = new Bag(name, shapes).apply(x) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: x });
  fill(model, group);
  return model;
}

/** Gives the weights of a bag recorded values. */
export function fill(model: tf.LayersModel, group: RecordedGroup): void {
  const values = bagValues(group);
  for (const { key, variable } of modelWeights(model)) {
    const value = values.get(key);
    if (value) tf.tidy(() => variable.assign(toTensor(value)));
  }
}

/** The weights of a bag as plain numbers. */
export function contents(model: tf.LayersModel): Record<string, number[]> {
  return Object.fromEntries(modelWeights(model).map(({ key, variable }) => [key, Array.from(variable.dataSync())]));
}

/** What `contents` gives where the weights are the recorded ones. */
export function recordedContents(group: RecordedGroup): Record<string, number[]> {
  return Object.fromEntries([...bagValues(group)].map(([key, { values }]) => [key, Array.from(values)]));
}
