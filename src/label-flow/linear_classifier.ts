import {
  add,
  log,
  matMul,
  mean,
  mul,
  neg,
  type Scalar,
  softmax,
  square,
  sum,
  type Tensor,
  tidy,
  train,
  type Variable,
  variable,
  zeros,
} from '@tensorflow/tfjs-core';
import { setLearningRate } from '../core/learning_rate.js';

/** Adam's learning rate at the start. It falls to 0 in a line, or many features would never come to rest. */
const RATE = 0.02;
const STEPS = 500;

/** What a linear classifier learns. */
export interface Objective {
  /** What has to be small, of the probabilities `[N, C]`. */
  loss(probabilities: Tensor): Tensor;
  /** What happens before each step. */
  before?(probabilities: Tensor): void;
  /** Penalty: half of this times the squared kernel. */
  l2: number;
  steps?: number;
}

/** Probabilities `[N, C]` of softmax regression. */
export function linearProbabilities(x: Tensor, kernel: Tensor, bias: Tensor): Tensor {
  return softmax(add(matMul(x, kernel), bias));
}

/** A variable that starts at 0. */
export function zeroVariable(shape: number[]): Variable {
  return tidy(() => variable(zeros(shape)));
}

/** Softmax regression on `x [N, F]`: kernel `[F, C]` and bias `[1, C]`, which the caller disposes. */
export function fitLinear(
  x: Tensor,
  classes: number,
  { loss, before, l2, steps = STEPS }: Objective,
): [Tensor, Tensor] {
  const kernel = zeroVariable([x.shape[1] as number, classes]);
  const bias = zeroVariable([1, classes]);
  const optimizer = train.adam(RATE, 0.9, 0.999, 1e-8);
  for (let i = 0; i < steps; i++) {
    setLearningRate(optimizer, RATE * (1 - i / steps));
    tidy(() => before?.(linearProbabilities(x, kernel, bias)));
    const total = (): Tensor => add(loss(linearProbabilities(x, kernel, bias)), mul(sum(square(kernel)), l2 / 2));
    optimizer.minimize(() => total() as Scalar, false, [kernel, bias]);
  }
  optimizer.dispose();
  return [kernel, bias];
}

/** Cross-entropy with soft labels `[N, C]`, with sklearn's penalty at strength 1. */
export function crossEntropyTo(labels: Tensor): Objective {
  const loss = (probabilities: Tensor): Tensor => neg(mean(sum(mul(labels, log(add(probabilities, 1e-7))), 1)));
  return { loss, l2: 1 / (labels.shape[0] as number) };
}
