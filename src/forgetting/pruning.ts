import { argumentError, requireInteger, requireNumber } from '../core/checks.js';
import type { LayerSelection } from '../core/layer_selection.js';
import { isKernel } from '../core/reinitialize.js';
import { magnitudeMask } from './masks.js';
import { type ForgetOperation, maskedOperation } from './operation.js';

/** Options of {@link iterativeMagnitudePruning}. */
export interface IterativeMagnitudePruningOptions {
  /** Share of the surviving weights of a kernel that survive a forgetting, in (0, 1). Default 0.8. */
  keep?: number;
  /** What the survivors return to: their values at the start of this epoch of the first generation. Default 0. */
  rewind?: number | 'never';
  /** The kernels of the last layer lose half as much (`'half'`), or as much as others. Default `'half'`. */
  head?: 'half' | 'same';
  /** The layers that are pruned. Default: all. */
  layers?: LayerSelection;
}

/**
 * The operation of iterative magnitude pruning (lottery tickets): the smallest weights of each kernel go for good, the
 * others return to their first values.
 *
 * For {@link ForgetRelearn} and {@link startForgetting}. Changes trained kernels, one by one; biases and norms go on. The
 * mask holds in every later step, momentum or not, and only grows. Survivors are ranked by their values at the end of
 * the generation. The optimizer forgets. Memory: two copies of the kernels outside the device.
 *
 * Source: Frankle and Carbin, "The Lottery Ticket Hypothesis" (2019), with rewinding as Frankle et al. (2020).
 *
 * @throws For options out of range; before the first batch for an unknown layer, if no chosen weight is trained, or if
 * `rewind` lies beyond the first generation.
 *
 * @example
 * ```ts
 * import { ForgetRelearn, iterativeMagnitudePruning } from 'tfjs-llf';
 *
 * const operation = iterativeMagnitudePruning({ keep: 0.8, rewind: 1 });
 * const callback = new ForgetRelearn({ generations: 5, epochsPerGeneration: 20, operation });
 * ```
 */
export function iterativeMagnitudePruning(options: IterativeMagnitudePruningOptions = {}): ForgetOperation {
  const name = 'iterativeMagnitudePruning';
  const { rewind = 0, head = 'half', layers } = options;
  const keep = requireShare(name, 'keep', options.keep ?? 0.8);
  if (head !== 'half' && head !== 'same') throw argumentError(name, 'head', '"half" or "same"', head);
  return maskedOperation({
    name,
    options: { keep, rewind, head, layers },
    layers,
    mask: ({ weight, values, previous, head: last }) =>
      isKernel(weight.name)
        ? magnitudeMask(values, last && head === 'half' ? (1 + keep) / 2 : keep, previous)
        : undefined,
    when: 'new',
    kept: rewind === 'never' ? 'stay' : 'rewind',
    ...(rewind === 'never' ? {} : { beginsAt: requireInteger(name, 'rewind', rewind, 0) }),
    dropped: 'zero',
    holds: () => true,
  });
}

function requireShare(owner: string, argument: string, value: number): number {
  if (requireNumber(owner, argument, value, 0, 1) % 1 !== 0) return value;
  throw argumentError(owner, argument, 'a number between 0 and 1', value);
}

/** Options of {@link denseSparseDense}. */
export interface DenseSparseDenseOptions {
  /** Share of a kernel that the sparse generations do without, in (0, 1). Default 0.3. */
  sparsity?: number;
  /** The layers that are pruned. Default: all. */
  layers?: LayerSelection;
}

/**
 * The operation of dense-sparse-dense training: odd generations (counted from 0) train without the smallest weights of
 * each kernel, even ones with all, the pruned ones starting from zero.
 *
 * For {@link ForgetRelearn} and {@link startForgetting}, with 3 generations in the paper. Changes trained kernels only. The
 * mask holds in every step of a sparse generation, momentum or not. The optimizer forgets. The paper divides the learning
 * rate by ten in the last generation: that is the schedule's business.
 *
 * Source: Han et al., "DSD: Dense-Sparse-Dense Training for Deep Neural Networks" (2017).
 *
 * @throws For options out of range; before the first batch for an unknown layer or if no chosen weight is trained.
 *
 * @example
 * ```ts
 * import { denseSparseDense, ForgetRelearn } from 'tfjs-llf';
 *
 * const operation = denseSparseDense({ sparsity: 0.3 });
 * const callback = new ForgetRelearn({ generations: 3, epochsPerGeneration: 20, operation });
 * ```
 */
export function denseSparseDense({ sparsity = 0.3, layers }: DenseSparseDenseOptions = {}): ForgetOperation {
  const name = 'denseSparseDense';
  requireShare(name, 'sparsity', sparsity);
  const sparse = (generation: number): boolean => generation % 2 === 1;
  return maskedOperation({
    name,
    options: { sparsity, layers },
    layers,
    mask: ({ weight, values }) => (isKernel(weight.name) ? magnitudeMask(values, 1 - sparsity) : undefined),
    when: 'new',
    kept: 'stay',
    dropped: 'zero',
    holds: sparse,
    drops: sparse,
  });
}
