import { argumentError, requireNumber } from '../core/checks.js';

/**
 * The mask of Knowledge Evolution by weight level: each weight belongs to the fit hypothesis with probability `rate`.
 *
 * Takes uniform numbers in [0, 1), one per weight; returns 1 (kept) where one is at least `1 - rate`, else 0. Pure.
 *
 * Source: Taha et al., "Knowledge Evolution in Neural Networks" (2021), WELS.
 *
 * @throws If `rate` is not in [0, 1].
 *
 * @example
 * ```ts
 * import { welsMask } from 'tfjs-llf';
 *
 * console.log(welsMask([0.1, 0.5, 0.9], 0.5)); // 0, 1, 1
 * ```
 */
export function welsMask(uniforms: ArrayLike<number>, rate: number): Uint8Array {
  const bound = 1 - requireNumber('welsMask', 'rate', rate, 0, 1);
  return Uint8Array.from(uniforms, (uniform) => Number(uniform >= bound));
}

/**
 * The channels that Knowledge Evolution keeps by kernel level: of each segment of `sizes` (one number, or those that a
 * concatenation joins) the first `ceil(size * rate)`.
 *
 * Returns 1 (kept) or 0 per channel. Pure.
 *
 * Source: Taha et al., "Knowledge Evolution in Neural Networks" (2021), KELS.
 *
 * @throws If `rate` is not in [0, 1].
 *
 * @example
 * ```ts
 * import { leadingChannels } from 'tfjs-llf';
 *
 * console.log(leadingChannels([4, 2], 0.5)); // 1, 1, 0, 0, 1, 0
 * ```
 */
export function leadingChannels(sizes: readonly number[], rate: number): Uint8Array {
  requireNumber('leadingChannels', 'rate', rate, 0, 1);
  return Uint8Array.from(
    sizes.flatMap((size) => Array.from({ length: size }, (_, i) => Number(i < Math.ceil(size * rate)))),
  );
}

/**
 * The mask of Knowledge Evolution by kernel level: a weight is kept if its input and its output channel are.
 *
 * `shape` is that of a tfjs kernel, `[..., inputs, outputs]`; `inputs` and `outputs` hold 1 or 0 per channel, as {@link
 * leadingChannels} makes them. Returns 1 (kept) or 0 per weight, row-major. Pure.
 *
 * Source: Taha et al., "Knowledge Evolution in Neural Networks" (2021), KELS.
 *
 * @throws If the last two sizes of `shape` are not the numbers of channels.
 *
 * @example
 * ```ts
 * import { kelsMask, leadingChannels } from 'tfjs-llf';
 *
 * const [inputs, outputs] = [leadingChannels([2], 1), leadingChannels([2], 0.5)];
 * console.log(kelsMask([3, 3, 2, 2], inputs, outputs)); // 1, 0, 1, 0, ...
 * ```
 */
export function kelsMask(shape: readonly number[], inputs: Uint8Array, outputs: Uint8Array): Uint8Array {
  const [rows, columns] = [inputs.length, outputs.length];
  if (shape.slice(-2).join() !== `${rows},${columns}`) {
    throw argumentError('kelsMask', 'shape', `of sizes [..., ${rows}, ${columns}]`, shape);
  }
  const size = shape.reduce((product, length) => product * length, 1);
  return Uint8Array.from({ length: size }, (_, i) => {
    return (inputs[Math.floor(i / columns) % rows] as number) & (outputs[i % columns] as number);
  });
}

/**
 * The mask of magnitude pruning: without the `trunc(n * (1 - keep))` smallest of n numbers by absolute value.
 *
 * With `within` only those where it is 1 count and are ranked; the others stay 0. Of equal numbers the earlier goes first.
 * Returns 1 (kept) or 0. Pure.
 *
 * Source: Han et al. (2015), Frankle and Carbin (2019); the count as in the code of Fortuitous Forgetting.
 *
 * @throws If `keep` is not in [0, 1].
 *
 * @example
 * ```ts
 * import { magnitudeMask } from 'tfjs-llf';
 *
 * console.log(magnitudeMask([3, -1, 2, 0.5], 0.5)); // 1, 0, 1, 0
 * ```
 */
export function magnitudeMask(values: ArrayLike<number>, keep: number, within?: Uint8Array): Uint8Array {
  requireNumber('magnitudeMask', 'keep', keep, 0, 1);
  const mask = within ? within.slice() : new Uint8Array(values.length).fill(1);
  const size = (i: number): number => Math.abs(values[i] as number);
  const order = Array.from(mask.keys()).filter((i) => mask[i] === 1);
  order.sort((a, b) => size(a) - size(b) || a - b);
  for (const i of order.slice(0, Math.trunc(order.length * (1 - keep)))) mask[i] = 0;
  return mask;
}
