import { mul, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import type { UniformStream } from '../core/random.js';

/**
 * Stochastic depth: zeroes the whole residual branch `x [B, ...]` of a sample with probability `rate` and scales the
 * others by `1 / (1 - rate)`. One number of the stream per sample, in order. The gradient flows through the samples that
 * stay.
 */
export function dropPath(x: Tensor, rate: number, stream: UniformStream): Tensor {
  const batch = x.shape[0] as number;
  const scale = Float32Array.from({ length: batch }, () => (stream.uniform() < rate ? 0 : 1 / (1 - rate)));
  return tidy(() => mul(x, tensor(scale, [batch, ...x.shape.slice(1).map(() => 1)])));
}
