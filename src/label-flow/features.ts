import { div, sub, type Tensor, type Tensor2D, tensor, tidy } from '@tensorflow/tfjs-core';
import { argumentError, requireShape } from '../core/checks.js';

/** Features of N rows: nested arrays `[N][F]`, or a float32 tensor `[N, F]`. */
export type Features = readonly (readonly number[])[] | Tensor;

/** A matrix in row-major order. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

function requireFeatures(owner: string, x: Features, columns: number): void {
  const shape = 'shape' in x ? x.shape : [x.length, x.find((row) => row.length !== columns)?.length ?? columns];
  requireShape(owner, 'features', shape, ['rows', columns]);
  if (shape[0] === 0) throw argumentError(owner, 'features', 'of at least one row', shape);
}

function requireFinite(owner: string, values: Float32Array, columns: number): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw argumentError(owner, `features[${Math.floor(bad / columns)}]`, 'finite numbers', values[bad]);
}

/** Reads features and checks that they are finite and of this width. */
export async function readFeatures(owner: string, x: Features, columns: number): Promise<Matrix> {
  requireFeatures(owner, x, columns);
  const values = Float32Array.from('shape' in x ? await x.data() : x.flat());
  requireFinite(owner, values, columns);
  return { rows: values.length / columns, columns, values };
}

/** Features as a tensor, scaled as in `fit`; numbers are checked, a tensor is not read back: NaN in it stays NaN. */
export function scaledFeatures(owner: string, x: Features, scaling: Scaling | undefined): Tensor {
  if (!scaling) throw argumentError(owner, 'predict', 'called after fit', undefined);
  const { mean, deviation } = scaling;
  requireFeatures(owner, x, mean.length);
  if (!('shape' in x)) requireFinite(owner, Float32Array.from(x.flat()), mean.length);
  return tidy(() => {
    const features = 'shape' in x ? x : tensor(x.flat(), [x.length, mean.length]);
    return div(sub(features, tensor([...mean])), tensor([...deviation]));
  });
}

/** Mean and deviation of each column. */
export interface Scaling {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** The scaling of a matrix; a column that does not change has deviation 1. */
export function scalingOf({ rows, columns, values }: Matrix): Scaling {
  const column = (c: number): number[] => Array.from({ length: rows }, (_, n) => values[n * columns + c] as number);
  const moments = Array.from({ length: columns }, (_, c) => {
    const all = column(c);
    const mean = all.reduce((sum, value) => sum + value / rows, 0);
    const deviation = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2 / rows, 0));
    // What is left of a constant column is rounding.
    return { mean, deviation: deviation > 1e-6 * Math.abs(mean) ? deviation : 1 };
  });
  return { mean: moments.map(({ mean }) => mean), deviation: moments.map(({ deviation }) => deviation) };
}

/** A matrix as a tensor, with its columns scaled. */
export function scaledMatrix({ rows, columns, values }: Matrix, { mean, deviation }: Scaling): Tensor2D {
  const standard = values.map(
    (value, i) => (value - (mean[i % columns] as number)) / (deviation[i % columns] as number),
  );
  return tensor(standard, [rows, columns]);
}
