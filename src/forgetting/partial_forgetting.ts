import { requireNumber, requireOneOf } from '../core/checks.js';
import type { LayerSelection } from '../core/layer_selection.js';
import { isKernel, type ReinitLaw } from '../core/reinitialize.js';
import { magnitudeMask, welsMask } from './masks.js';
import { type ForgetOperation, maskedOperation } from './operation.js';

/** Options of {@link partialForgetting}. */
export interface PartialForgettingOptions {
  /** Share of each weight that is kept, in [0, 1]. Default 0.1, for partial balanced forgetting. */
  keep?: number;
  /** What is kept: the largest by absolute value, or a random share. Default `'magnitude'`. */
  mask?: 'magnitude' | 'random';
  /** One choice, made from the first values (`'same'`), or a new one at every forgetting. Default `'same'`. */
  when?: 'same' | 'new';
  /** What is kept stays, or returns to its first values. Default `'stay'`. */
  kept?: 'stay' | 'rewind';
  /** The rest is drawn anew, or set to zero. Default `'reinit'`. */
  dropped?: 'reinit' | 'zero';
  /** The law of the new values; see {@link ReinitLaw}. Default `'torch'`, which draws biases too. */
  reinit?: ReinitLaw;
  /** What happens to all but kernels (biases, norms): as the kernels, or all stay, or all are dropped. Default `'mask'`. */
  vectors?: 'mask' | 'keep' | 'drop';
  /** The kernels of the last layer lose half as much (`'half'`), or as much as others. Default `'same'`. */
  head?: 'half' | 'same';
  /** The layers that forget. Default: all. */
  layers?: LayerSelection;
}

/**
 * The operation of partial forgetting: a share of every weight is kept, the rest dropped. As it stands it is the partial
 * balanced forgetting of the language game; its options span the variants that the authors probe.
 *
 * For {@link ForgetRelearn}, mostly with `everySteps`, and {@link startForgetting}. Changes every trained weight, biases
 * too. The optimizer keeps its moments, as the authors' Adam does, unless the callback says otherwise.
 *
 * Source: Zhou et al., "Fortuitous Forgetting in Connectionist Networks" (2022).
 *
 * @throws For options out of range; before the first batch for an unknown layer or if no chosen weight is trained.
 *
 * @example
 * ```ts
 * import { ForgetRelearn, partialForgetting } from 'tfjs-llf';
 *
 * const operation = partialForgetting({ keep: 0.5, mask: 'random', when: 'new' });
 * const callback = new ForgetRelearn({ generations: 100, everySteps: 3000, operation });
 * ```
 */
export function partialForgetting(options: PartialForgettingOptions = {}): ForgetOperation {
  const name = 'partialForgetting';
  const { mask = 'magnitude', when = 'same', kept = 'stay', dropped = 'reinit', vectors = 'mask' } = options;
  const { reinit = 'torch', head = 'same', layers } = options;
  const keep = requireNumber(name, 'keep', options.keep ?? 0.1, 0, 1);
  const choices = { mask, when, kept, dropped, vectors, head };
  const allowed: { [key in keyof typeof choices]: readonly string[] } = {
    mask: ['magnitude', 'random'],
    when: ['same', 'new'],
    kept: ['stay', 'rewind'],
    dropped: ['reinit', 'zero'],
    vectors: ['mask', 'keep', 'drop'],
    head: ['half', 'same'],
  };
  for (const [key, value] of Object.entries(choices)) {
    requireOneOf(name, key, value, allowed[key as keyof typeof choices]);
  }
  return maskedOperation({
    name,
    options: { keep, ...choices, reinit, layers },
    layers,
    mask: ({ weight, values, head: last, stream }) => {
      if (vectors !== 'mask' && !isKernel(weight.name)) return constant(values, vectors);
      const share = last && head === 'half' ? (1 + keep) / 2 : keep;
      if (mask === 'magnitude') return magnitudeMask(values, share);
      return welsMask(
        values.map(() => stream.uniform()),
        share,
      );
    },
    when,
    kept,
    dropped,
    reinit,
    resetOptimizer: false,
  });
}

const constant = ({ length }: Float32Array, vectors: 'keep' | 'drop'): Uint8Array =>
  new Uint8Array(length).fill(Number(vectors === 'keep'));
