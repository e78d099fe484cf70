import * as tf from '@tensorflow/tfjs';
import { randomStream } from '../../src/core/random.js';

/** Makes the optimizers of tfjs, afresh, with options that make all their memory matter. */
export const optimizers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  rmsprop: () => tf.train.rmsprop(0.01),
  adam: () => tf.train.adam(0.01, 0.9, 0.999, 1e-7),
  adagrad: () => tf.train.adagrad(0.1),
  nesterov: () => tf.train.momentum(0.1, 0.9, true),
  centred: () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-7, true),
  adadelta: () => tf.train.adadelta(1, 0.95, 1e-7),
  adamax: () => tf.train.adamax(0.01, 0.9, 0.999, 1e-7, 0.1),
};

/** Sets a learning rate without our help. Not by class: `x instanceof tf.SGDOptimizer` holds for every optimizer. */
export function setRateByHand(optimizer: tf.Optimizer, rate: number): void {
  if ('setLearningRate' in optimizer) (optimizer as tf.SGDOptimizer).setLearningRate(rate);
  else Reflect.set(optimizer, 'learningRate', rate);
}

/** A float32 tensor of normal numbers from a stream of its own. */
export function normal(seed: number, purpose: string, shape: number[]): tf.Tensor {
  const stream = randomStream(seed, purpose);
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => stream.normal()),
    shape,
  );
}

/** Ten samples of three features and two targets. */
export function trainingData(): { x: tf.Tensor; y: tf.Tensor } {
  return { x: normal(1, 'x', [10, 3]), y: normal(1, 'y', [10, 2]) };
}

/** Dense 3-4, batch norm, dense 4-2, with the same first weights each time. */
export function smallModel(
  optimizer: tf.Optimizer = tf.train.adam(0.01),
  loss: tf.ModelCompileArgs['loss'] = 'meanSquaredError',
): tf.LayersModel {
  const kernel = (seed: number) => tf.initializers.glorotUniform({ seed });
  const input = tf.input({ shape: [3] });
  const hidden = tf.layers
    .dense({ name: 'body', units: 4, activation: 'tanh', kernelInitializer: kernel(1) })
    .apply(input);
  const normed = tf.layers.batchNormalization({ name: 'norm' }).apply(hidden);
  const output = tf.layers.dense({ name: 'head', units: 2, kernelInitializer: kernel(2) }).apply(normed);
  const model = tf.model({ inputs: input, outputs: output as tf.SymbolicTensor });
  model.compile({ optimizer, loss });
  return model;
}

/** All weights as plain numbers, to compare bit for bit. */
export function weightValues(model: tf.LayersModel): number[][] {
  return model.getWeights().map((weight) => Array.from(weight.dataSync()));
}

/** The values of one weight, by the name of its layer and its place in it. */
export function layerValues(model: tf.LayersModel, layer: string, index = 0): number[] {
  return Array.from((model.getLayer(layer).getWeights()[index] as tf.Tensor).dataSync());
}

/** `fit` as the tests want it: no shuffling, no output. */
export function train(model: tf.LayersModel, args: Partial<tf.ModelFitArgs> = {}): Promise<tf.History> {
  const { x, y } = trainingData();
  const done = model.fit(x, y, { epochs: 1, batchSize: 5, shuffle: false, verbose: 0, ...args });
  return done.finally(() => tf.dispose([x, y]));
}

/** Whether a training left a trace on model or optimizer. */
export function traces(model: tf.LayersModel): string[] {
  const found: string[] = [];
  if (Object.hasOwn(model.optimizer, 'applyGradients')) found.push('applyGradients is wrapped');
  const inner: unknown = Reflect.get(model, 'model');
  for (const one of [model, ...(inner instanceof tf.LayersModel ? [inner] : [])]) {
    const training = Object.getOwnPropertyDescriptor(one, 'isTraining');
    if (training?.get || training?.set) found.push('isTraining is an accessor');
    if (training?.value === true) found.push('isTraining is true');
  }
  return found;
}
