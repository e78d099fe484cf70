import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { silu } from '../../src/label-flow/activation.js';
import { batchStatistics, type NormName, type Statistics } from '../../src/label-flow/batch_norm.js';
import { conditions } from '../../src/label-flow/conditioning.js';
import type { Rows } from '../../src/label-flow/coupling.js';
import type { Flow } from '../../src/label-flow/flow.js';
import { runningStatistics, unstackCouplings } from '../../src/label-flow/flow_weights.js';
import { fromRows } from '../../src/label-flow/rows.js';
import { decode, type NumberArray, type RecordedGroup, toTensor } from '../cropr/golden.js';

/** Recorded weights under our names, in our layout. */
export type OurWeights = Record<string, NumberArray>;

/** Places in the official state dict: network, its entry, and whether it belongs to the features or the labels. */
const CONDITION: Readonly<Record<string, string>> = {
  conditionKernel: '0.weight',
  conditionGamma: '1.weight',
  conditionBeta: '1.bias',
  conditionOutKernel: '3.weight',
  conditionOutBias: '3.bias',
  conditionMean: '1.running_mean',
  conditionVariance: '1.running_var',
};
const LABEL: Readonly<Record<string, string>> = {
  labelKernel: 'y_keep.0.weight',
  labelGamma: 'y_keep.1.weight',
  labelBeta: 'y_keep.1.bias',
  outKernel: 'y_keep.3.weight',
  mergeKernel: 'merge.1.weight',
  mergeBias: 'merge.1.bias',
  labelMean: 'y_keep.1.running_mean',
  labelVariance: 'y_keep.1.running_var',
  outMean: 'y_keep.4.running_mean',
  outVariance: 'y_keep.4.running_var',
};
/** Weights that are one vector over both heads. */
const FLAT = new Set([
  'labelKernel',
  'labelGamma',
  'labelBeta',
  'labelMean',
  'labelVariance',
  'outMean',
  'outVariance',
]);

function joined(parts: readonly NumberArray[], shape: (part: readonly number[]) => number[]): NumberArray {
  const values = Float32Array.from(parts.flatMap((part) => Array.from(part.values)));
  return { shape: shape((parts[0] as NumberArray).shape), values };
}

/**
 * Recorded weights (or gradients) of couplings as ours: stacked, the head of the scale first. The official bias before
 * the second norm of the labels is left out, since that norm takes it away again; so the running mean there has to go
 * down by it.
 */
export function ourWeights(group: RecordedGroup, prefixes: readonly string[], running = true): OurWeights {
  const part = (name: string): NumberArray => {
    const array = group[name];
    if (!array) throw new Error(`The fixture has no "${name}".`);
    return decode(array);
  };
  const wanted = ([name]: [string, string]): boolean => running || !/(Mean|Variance)$/.test(name);
  const result: OurWeights = {};
  for (const [name, entry] of Object.entries(CONDITION).filter(wanted)) {
    const parts = ['cond_w', 'cond_b'].flatMap((kind) =>
      prefixes.flatMap((prefix) => ['s', 'b'].map((head) => part(`${prefix}${head}_${kind}.${entry}`))),
    );
    const stacked = name.startsWith('conditionOut');
    result[name] = joined(parts, ([out = 0, ...rest]) =>
      stacked ? [parts.length, out, ...rest] : [parts.length * out, ...rest],
    );
  }
  for (const [name, entry] of Object.entries(LABEL).filter(wanted)) {
    const parts = prefixes.flatMap((prefix) =>
      ['s', 'b'].map((head) => {
        const array = part(`${prefix}${head}_${entry}`);
        if (name !== 'outMean') return array;
        const bias = part(`${prefix}${head}_y_keep.3.bias`).values;
        return { ...array, values: Float32Array.from(array.values, (value, i) => value - (bias[i] as number)) };
      }),
    );
    const flat = FLAT.has(name);
    result[name] = joined(parts, ([out = 0, ...rest]) => [prefixes.length, ...(flat ? [2 * out] : [2, out]), ...rest]);
  }
  return result;
}

export function tensorsOf(weights: OurWeights): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(weights).map(([name, array]) => [name, toTensor(array)]));
}

/** Rows of one sample as labels `[B, D]`. */
export function labelsOf(rows: Rows): tf.Tensor {
  return fromRows(rows, [-1, rows.length]);
}

/** A flow with these weights for these features. */
export function flowOf(
  weights: Record<string, tf.Tensor>,
  x: tf.Tensor,
  warps: readonly (readonly number[])[],
  mode: string,
): Flow & { statistics: Statistics & { recorded?: Record<NormName, { mean: tf.Tensor; variance: tf.Tensor }[]> } } {
  const named = weights as unknown as Parameters<typeof unstackCouplings>[0] &
    Parameters<typeof conditions>[2] &
    Parameters<typeof runningStatistics>[0];
  const couplings = unstackCouplings(named);
  const statistics = mode === 'train' ? batchStatistics() : runningStatistics(named, couplings);
  return {
    warps,
    couplings,
    statistics,
    activation: silu,
    conditions: conditions(x, warps.length, named, statistics),
  };
}

/** No number further from the recorded one than `tolerance · (1 + |recorded|)`. */
export function expectClose(received: tf.Tensor, expected: NumberArray, tolerance: number, what: string): void {
  expect(received.shape, what).toEqual([...expected.shape]);
  const values = received.dataSync();
  let worst = 0;
  for (let i = 0; i < expected.values.length; i++) {
    const wanted = expected.values[i] as number;
    const error = Math.abs((values[i] as number) - wanted) / (1 + Math.abs(wanted));
    worst = error > worst || Number.isNaN(error) ? error : worst;
  }
  expect(worst, what).toBeLessThanOrEqual(tolerance);
}

/** Runs the body in a scope of its own. */
export function scoped(body: () => void): void {
  tf.engine().startScope();
  try {
    body();
  } finally {
    tf.engine().endScope();
  }
}

/** Prefixes of the couplings of a recorded flow over two label dimensions. */
export function stepPrefixes(steps: number): string[] {
  return Array.from({ length: steps }, (_, k) => [`flows.flows.${k}.nvp1.`, `flows.flows.${k}.nvp2.`]).flat();
}
