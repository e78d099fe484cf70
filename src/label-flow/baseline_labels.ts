import { uniformStream } from '../core/random.js';
import type { Matrix } from './features.js';
import { LinearClassifier } from './linear_classifier.js';
import { type VoteTable, votedClass } from './votes.js';

/** Linear constraints on labels: for each signal and class, a mean over its votes. */
interface Constraint {
  /** Rows and the factors of their labels. */
  rows: number[];
  factors: number[];
  /** What the sum has to be, or stay below. */
  target: number;
  class: number;
}

/** The expected errors as linear functions of the labels: mean of `share + label · (1 - 2 · share)` = bound. */
function constraintsOf(table: VoteTable, bounds: readonly (readonly number[])[]): Constraint[] {
  const { rows, signals, classes, probabilities, voted } = table;
  const all: Constraint[] = [];
  for (let l = 0; l < signals; l++) {
    for (let c = 0; c < classes; c++) {
      const own = Array.from({ length: rows }, (_, n) => n).filter((n) => voted[n * signals + l]);
      if (own.length === 0) continue;
      const shares = own.map((n) => probabilities[(n * signals + l) * classes + c] as number);
      const mean = shares.reduce((sum, share) => sum + share, 0) / own.length;
      const factors = shares.map((share) => (1 - 2 * share) / own.length);
      all.push({ rows: own, factors, target: ((bounds[l] as number[])[c] as number) - mean, class: c });
    }
  }
  return all;
}

/** By how much labels `[rows, C]` exceed a constraint. */
function excess({ rows, factors, target, class: c }: Constraint, labels: Float64Array, classes: number): number {
  return rows.reduce((sum, n, i) => sum + (factors[i] as number) * (labels[n * classes + c] as number), -target);
}

function clipped(value: number): number {
  return Math.max(0, Math.min(1, value));
}

const CLL_STEPS = 300;
const CLL_RUNS = 3;

/**
 * Constrained Labeling (CLL): labels in [0, 1], from random ones, whose signals have exactly the errors given; the mean of
 * three runs.
 *
 * Source: Arachie and Huang, "Constrained Labeling for Weakly Supervised Learning" (UAI 2021).
 */
export function constrainedLabels(
  table: VoteTable,
  bounds: readonly (readonly number[])[],
  seed: number,
): Float64Array {
  const { rows, classes } = table;
  const constraints = constraintsOf(table, bounds);
  const mean = new Float64Array(rows * classes);
  for (let run = 0; run < CLL_RUNS; run++) {
    const stream = uniformStream(seed, 'constrainedLabels', run);
    const labels = Float64Array.from({ length: rows * classes }, () => stream.uniform());
    const squares = new Float64Array(labels.length).fill(1e-8);
    for (let i = 0; i < CLL_STEPS; i++) {
      const gradient = new Float64Array(labels.length);
      for (const constraint of constraints) {
        const violation = excess(constraint, labels, classes);
        constraint.rows.forEach((n, k) => {
          const place = n * classes + constraint.class;
          gradient[place] = (gradient[place] as number) + 2 * violation * (constraint.factors[k] as number);
        });
      }
      gradient.forEach((slope, place) => {
        squares[place] = (squares[place] as number) + slope * slope;
        labels[place] = clipped((labels[place] as number) - slope / Math.sqrt(squares[place] as number));
      });
    }
    labels.forEach((label, place) => {
      mean[place] = (mean[place] as number) + label / CLL_RUNS;
    });
  }
  return mean;
}

const ALL_STEPS = 2000;
const ALL_RATE = 0.1;
const ALL_PENALTY = 2.5;

/**
 * Adversarial Label Learning (ALL): a classifier against the labels, among those that the bounds allow, that make it err
 * most; projected steps on an augmented Lagrangian.
 *
 * Source: Arachie and Huang, "Adversarial Label Learning" (AAAI 2019).
 */
export function fitAdversarially(
  x: Matrix,
  table: VoteTable,
  bounds: readonly (readonly number[])[],
): LinearClassifier {
  const { rows, classes } = table;
  const classifier = new LinearClassifier(x, classes);
  const constraints = constraintsOf(table, bounds);
  const multipliers = constraints.map(() => 0);
  const labels = new Float64Array(rows * classes).fill(1 / classes);
  for (let i = 0; i < ALL_STEPS; i++) {
    const probabilities = classifier.probabilities();
    const rate = ALL_RATE / Math.sqrt(1 + i / 100);
    // The adversary goes up the expected error 1 - Σ label · probability, and down where a bound is broken.
    const gradient = probabilities.map((share) => -share);
    constraints.forEach((constraint, k) => {
      const violation = excess(constraint, labels, classes);
      const pressure = Math.max(0, (multipliers[k] as number) + ALL_PENALTY * rows * violation);
      multipliers[k] = pressure;
      constraint.rows.forEach((n, j) => {
        const place = n * classes + constraint.class;
        gradient[place] = (gradient[place] as number) - pressure * (constraint.factors[j] as number);
      });
    });
    for (let n = 0; n < rows; n++) {
      const row = Array.from({ length: classes }, (_, c) => {
        const place = n * classes + c;
        return (labels[place] as number) + rate * (gradient[place] as number);
      });
      labels.set(onSimplex(row), n * classes);
    }
    classifier.descend(
      labels.map((label) => -label / rows),
      probabilities,
      1e-4,
    );
  }
  return classifier;
}

/** The nearest point whose entries are at least 0 and sum to 1. */
export function onSimplex(point: readonly number[]): number[] {
  const sorted = [...point].sort((a, b) => b - a);
  let [sum, shift] = [0, 0];
  sorted.forEach((value, i) => {
    sum += value;
    const candidate = (sum - 1) / (i + 1);
    if (value > candidate) shift = candidate;
  });
  return point.map((value) => Math.max(0, value - shift));
}

const GE_STEPS = 500;
const GE_L2 = 0.5;

/**
 * Generalised expectation (GE): a classifier whose mean prediction over the rows where a signal votes for a class has the
 * distribution that the signal's bounds say.
 *
 * Source: Mann and McCallum, "Generalized Expectation Criteria" (JMLR 2010).
 */
export function fitExpectations(x: Matrix, table: VoteTable, bounds: readonly (readonly number[])[]): LinearClassifier {
  const { rows, signals, classes, voted } = table;
  const classifier = new LinearClassifier(x, classes);
  const groups = Array.from({ length: signals * classes }, (_, i) => {
    const [l, c] = [Math.floor(i / classes), i % classes];
    const own = Array.from({ length: rows }, (_, n) => n);
    const error = (bounds[l] as number[])[c] as number;
    return {
      rows: own.filter((n) => voted[n * signals + l] && votedClass(table, n * signals + l) === c),
      wanted: Array.from({ length: classes }, (_, k) => (k === c ? 1 - error : error / (classes - 1))),
    };
  });
  for (let i = 0; i < GE_STEPS; i++) {
    const probabilities = classifier.probabilities();
    const gradient = new Float64Array(rows * classes);
    for (const { rows: own, wanted } of groups) {
      wanted.forEach((share, k) => {
        const mean = own.reduce((sum, n) => sum + (probabilities[n * classes + k] as number), 0) / own.length;
        for (const n of own) {
          const place = n * classes + k;
          gradient[place] = (gradient[place] as number) - share / (mean * own.length);
        }
      });
    }
    classifier.descend(gradient, probabilities, GE_L2);
  }
  return classifier;
}
