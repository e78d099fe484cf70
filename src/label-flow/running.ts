import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { type Moments, type NormName, updatedMoments } from './batch_norm.js';

/** `labelKernel` as `oneLabelKernel` for the prefix `one`. */
export function prefixed(prefix: string, name: string): string {
  return prefix + name.charAt(0).toUpperCase() + name.slice(1);
}

/** Counts a batch of `count` numbers per row into the running statistics among a layer's weights. */
export function rememberMoments(
  values: Readonly<Record<string, Tensor>>,
  name: NormName,
  recorded: readonly Moments[],
  count: number,
  prefix = '',
): void {
  if (recorded.length === 0) return;
  const find = (key: string): Variable => values[prefix ? prefixed(prefix, name + key) : name + key] as Variable;
  const [mean, variance] = [find('Mean'), find('Variance')];
  const updated = updatedMoments({ mean, variance }, recorded, count);
  mean.assign(updated.mean);
  variance.assign(updated.variance);
}
