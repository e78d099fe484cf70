import {
  add,
  clipByValue,
  grad,
  log,
  matMul,
  mul,
  relu,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
  train,
  type Variable,
  variable,
  zeros,
} from '@tensorflow/tfjs-core';
import { uniformStream, uniformTensor } from '../core/random.js';
import { tallied, tallyErrors } from './constraints.js';
import { type Objective, zeroVariable } from './linear_classifier.js';
import { type VoteTable, votedClass } from './votes.js';
import { voteTensors } from './weak_problem.js';

/** By how much the expected errors of the signals against labels `[N, C]` exceed their bounds: `[L, C]`. */
type Excess = (labels: Tensor) => Tensor;

function excessOf(table: VoteTable, bounds: number[][]): Excess {
  return (labels) => sub(tallied(tallyErrors(labels, ...voteTensors(table))), tensor(bounds));
}

const CLL_STEPS = 300;
const CLL_RUNS = 3;

/**
 * Constrained Labeling (CLL): labels in [0, 1], from random ones, whose signals have exactly the errors given; the mean of
 * three runs.
 *
 * Source: Arachie and Huang, "Constrained Labeling for Weakly Supervised Learning" (UAI 2021).
 */
export function constrainedLabels(table: VoteTable, bounds: number[][], seed: number): Tensor {
  const excess = excessOf(table, bounds);
  const run = (index: number): Variable => {
    const labels = variable(
      uniformTensor(uniformStream(seed, 'constrainedLabels', index), [table.rows, table.classes]),
    );
    const optimizer = train.adagrad(1, 1e-8);
    for (let i = 0; i < CLL_STEPS; i++) {
      optimizer.minimize(() => sum(square(excess(labels))), false, [labels]);
      tidy(() => labels.assign(clipByValue(labels, 0, 1)));
    }
    optimizer.dispose();
    return labels;
  };
  return tidy(() => {
    const runs = Array.from({ length: CLL_RUNS }, (_, i) => run(i));
    const total = runs.reduce<Tensor>((sum, labels) => add(sum, labels), zeros(runs[0]?.shape ?? []));
    for (const labels of runs) labels.dispose();
    return mul(total, 1 / CLL_RUNS);
  });
}

const ALL_STEPS = 1000;
const ALL_RATE = 0.1;
const ALL_PENALTY = 2.5;

/**
 * Adversarial Label Learning (ALL): a classifier against the labels, among those that the bounds allow, that make it err
 * most; steps on an augmented Lagrangian, those of the labels in the space of their logits. To be disposed.
 *
 * Source: Arachie and Huang, "Adversarial Label Learning" (AAAI 2019).
 */
export function adversarial(table: VoteTable, bounds: number[][]): Objective & { dispose(): void } {
  const { rows, signals, classes } = table;
  const excess = excessOf(table, bounds);
  const logits = zeroVariable([rows, classes]);
  const multipliers = zeroVariable([signals, classes]);
  return {
    steps: ALL_STEPS,
    l2: 1e-4,
    before(probabilities) {
      const labels = softmax(logits);
      multipliers.assign(relu(add(multipliers, mul(excess(labels), ALL_PENALTY * rows))));
      // Down from labels that agree with the classifier, and from broken bounds.
      const pressure = (y: Tensor): Tensor => add(sum(mul(multipliers, excess(y))), sum(mul(y, probabilities)));
      logits.assign(sub(logits, mul(grad(pressure)(labels), ALL_RATE)));
    },
    loss: (probabilities) => mul(sum(mul(softmax(logits), probabilities)), -1 / rows),
    dispose() {
      logits.dispose();
      multipliers.dispose();
    },
  };
}

const GE_L2 = 0.5;

/**
 * Generalised expectation (GE): a classifier whose mean prediction over the rows where a signal votes for a class has the
 * distribution that the signal's bounds say.
 *
 * Source: Mann and McCallum, "Generalized Expectation Criteria" (JMLR 2010).
 */
export function expectations(table: VoteTable, bounds: number[][]): Objective {
  const { rows, signals, classes, voted } = table;
  const groups = bounds.flatMap((row, l) =>
    row.map((error, c) => {
      const member = Array.from({ length: rows }, (_, n) => {
        const place = n * signals + l;
        return voted[place] && votedClass(table, place) === c ? 1 : 0;
      });
      const size = member.reduce<number>((sum, one) => sum + one, 0);
      const wanted = row.map((_, k) => (k === c ? 1 - error : error / (classes - 1)));
      return { share: member.map((one) => one / size), wanted, size };
    }),
  );
  const used = groups.filter(({ size }) => size > 0);
  return {
    l2: GE_L2,
    loss(probabilities) {
      const means = matMul(tensor(used.map(({ share }) => share)), probabilities);
      return mul(sum(mul(tensor(used.map(({ wanted }) => wanted)), log(add(means, 1e-7)))), -1);
    },
  };
}
