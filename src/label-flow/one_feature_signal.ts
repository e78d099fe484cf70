import { argumentError, requireNumber } from '../core/checks.js';
import { requireLabels } from './votes.js';

/** A weak signal made of one feature. */
export interface OneFeatureSignal {
  /** Log-odds of class 1 are `coefficient · value + intercept`. */
  readonly coefficient: number;
  /** The log-odds at 0. */
  readonly intercept: number;
  /** Soft votes `[N][2]` on values of the feature. */
  vote(values: readonly number[]): [number, number][];
}

const ITERATIONS = 50;

/**
 * A weak signal from one feature: a logistic regression of two classes on its values, fitted on a few labelled rows.
 *
 * Values and labels (0 or 1) `[N]`; standardise the values. The penalty is half the squared coefficient over the `strength`
 * (default 1), as sklearn's `C` has it; the intercept is free. Plain numbers, no tensors.
 *
 * @throws If lengths differ, labels are not 0 and 1, both at least once, or values are not finite.
 *
 * Source: the weak signals of Adversarial Label Learning (Arachie and Huang, AAAI 2019).
 *
 * @example
 * ```ts
 * import { oneFeatureSignal } from 'tfjs-llf';
 *
 * const signal = oneFeatureSignal([-1, -0.5, 0.5, 1], [0, 0, 1, 1]);
 * const [[, positive]] = signal.vote([2]) as [[number, number]];
 * if (positive < 0.8) throw new Error('the feature speaks for class 1');
 * ```
 */
export function oneFeatureSignal(values: readonly number[], labels: readonly number[], strength = 1): OneFeatureSignal {
  const owner = 'oneFeatureSignal';
  requireLabels(owner, labels, values.length, 2);
  requireNumber(owner, 'strength', strength, Number.MIN_VALUE);
  values.forEach((value, n) => {
    requireNumber(owner, `values[${n}]`, value);
  });
  if (!labels.includes(0) || !labels.includes(1)) throw argumentError(owner, 'labels', 'of both classes', labels);
  let [coefficient, intercept] = [0, 0];
  const positive = (value: number): number => 1 / (1 + Math.exp(-(coefficient * value + intercept)));
  for (let i = 0; i < ITERATIONS; i++) {
    // Newton's step: gradient (a, b) and the matrix (p, q; q, r) of second derivatives.
    let [a, b, p, q, r] = [coefficient / strength, 0, 1 / strength, 0, 1e-12];
    values.forEach((value, n) => {
      const share = positive(value);
      const [error, weight] = [share - (labels[n] as number), share * (1 - share)];
      a += error * value;
      b += error;
      p += weight * value * value;
      q += weight * value;
      r += weight;
    });
    const determinant = p * r - q * q;
    coefficient -= (r * a - q * b) / determinant;
    intercept -= (p * b - q * a) / determinant;
  }
  return { coefficient, intercept, vote: (given) => given.map((value) => [1 - positive(value), positive(value)]) };
}
