import {
  add,
  argMax,
  dispose,
  div,
  matMul,
  maximum,
  mean,
  moments,
  mul,
  oneHot,
  type Rank,
  softmax,
  sqrt,
  sub,
  type Tensor2D,
  tensor1d,
  tidy,
  train,
  transpose,
  variable,
  zeros,
} from '@tensorflow/tfjs-core';
import { requireInteger, requireNumber } from '../core/checks.js';
import { accuracyOf, type ProbeData, type ProbeResult, requireProbeData } from './knn_probe.js';

/** Options of {@link linearProbe}. */
export interface LinearProbeOptions {
  /** Steps of Adam on all training samples at once. Default 300. */
  steps?: number;
  /** Its learning rate. Default 0.05. */
  learningRate?: number;
  /** Factor of the squared weights in the loss. Default 1e-3. */
  l2?: number;
}

/**
 * How well a linear classifier tells classes apart by given features: softmax regression on standardised features, from
 * zero, so that nothing is left to chance.
 *
 * See {@link ProbeData} for shapes and types; returns accuracy and predictions. Nothing but the probe is trained.
 *
 * Source: the linear evaluation of Sarfi et al., SEAL (2023), whose recipe for it is not published; this one is ours.
 *
 * @throws If shapes do not fit or an option is out of its range.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { linearProbe } from 'tfjs-llf';
 *
 * const [trainFeatures, testFeatures] = [tf.tensor2d([[0], [1], [9]]), tf.tensor2d([[8], [2]])];
 * const { accuracy } = await linearProbe({ trainFeatures, trainLabels: [0, 0, 1], testFeatures, testLabels: [1, 0] });
 * ```
 */
export async function linearProbe(data: ProbeData, options: LinearProbeOptions = {}): Promise<ProbeResult> {
  const owner = 'linearProbe';
  requireProbeData(owner, data);
  const steps = requireInteger(owner, 'steps', options.steps ?? 300, 1);
  const rate = requireNumber(owner, 'learningRate', options.learningRate ?? 0.05, Number.MIN_VALUE);
  const l2 = requireNumber(owner, 'l2', options.l2 ?? 1e-3, 0);
  const { trainFeatures, trainLabels, testFeatures, testLabels } = data;
  const classes = Math.max(...Array.from(trainLabels), ...Array.from(testLabels)) + 1;
  const known = tidy(() => {
    const { mean: centre, variance } = moments(trainFeatures, 0);
    const scale = sqrt(maximum(variance, 1e-12));
    const features = div(sub(trainFeatures, centre), scale) as Tensor2D;
    const target = oneHot(tensor1d(Array.from(trainLabels), 'int32'), classes);
    return { features, target, queries: div(sub(testFeatures, centre), scale) as Tensor2D };
  });
  const kernel = tidy(() => variable(zeros<Rank.R2>([trainFeatures.shape[1], classes])));
  const bias = tidy(() => variable(zeros([classes])));
  const optimizer = train.adam(rate);
  for (let step = 0; step < steps; step++) {
    tidy(() => {
      const error = sub(softmax(add(matMul(known.features, kernel), bias)), known.target) as Tensor2D;
      const toKernel = div(matMul(transpose(known.features), error), trainFeatures.shape[0]);
      optimizer.applyGradients({
        [kernel.name]: add(toKernel, mul(kernel, 2 * l2)),
        [bias.name]: mean(error, 0),
      });
    });
  }
  const best = tidy(() => argMax(add(matMul(known.queries, kernel), bias), 1));
  const predictions = Int32Array.from(await best.data());
  dispose([best, kernel, bias, known]);
  optimizer.dispose();
  return { predictions, accuracy: accuracyOf(predictions, testLabels) };
}
