import { softmax, sub, type Tensor, tidy, topk, unstack } from '@tensorflow/tfjs-core';
import { argumentError } from '../core/checks.js';
import { accuracyOf } from './knn_probe.js';
import { magnitudeMask } from './masks.js';

/** Size and accuracy of a group of samples. */
export interface GroupAccuracy {
  /** Number of samples. */
  readonly count: number;
  /** Share of them that was predicted right. */
  readonly accuracy: number;
}

/**
 * Accuracy by group, as of mislabelled samples against the others: what a forgetting hits shows in the difference.
 *
 * Takes N predicted and N true classes and N group numbers, plain numbers; returns size and accuracy by group.
 *
 * Source: the targeted forgetting of Zhou et al., "Fortuitous Forgetting" (2022).
 *
 * @throws If the three differ in length.
 *
 * @example
 * ```ts
 * import { groupAccuracy } from 'tfjs-llf';
 *
 * console.log(groupAccuracy([1, 0, 2], [1, 1, 2], [0, 0, 1])); // 0: { count: 2, accuracy: 0.5 }, 1: { count: 1, accuracy: 1 }
 * ```
 */
export function groupAccuracy(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  groups: ArrayLike<number>,
): { [group: number]: GroupAccuracy } {
  const { length } = labels;
  for (const [name, list] of Object.entries({ predictions, groups })) {
    if (list.length !== length) throw argumentError('groupAccuracy', name, `of length ${length}`, list.length);
  }
  const members = Array.from({ length }, (_, i) => i);
  return Object.fromEntries(
    [...new Set(Array.from(groups))].map((group) => {
      const mine = members.filter((i) => groups[i] === group);
      const of = (list: ArrayLike<number>): number[] => mine.map((i) => list[i] as number);
      return [group, { count: mine.length, accuracy: accuracyOf(of(predictions), of(labels)) }];
    }),
  );
}

/**
 * Margins of predictions: the largest probability less the second largest, in [0, 1].
 *
 * Takes logits `[N, K]`, float32; returns N numbers.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { margins } from 'tfjs-llf';
 *
 * console.log(await margins(tf.tensor2d([[0, 0], [9, 0]]))); // 0, about 1
 * ```
 */
export async function margins(logits: Tensor): Promise<Float32Array> {
  const gap = tidy(() => {
    const [first, second] = unstack(topk(softmax(logits), 2).values, -1) as [Tensor, Tensor];
    return sub(first, second);
  });
  const values = new Float32Array(await gap.data());
  gap.dispose();
  return values;
}

/**
 * The difficult samples: 1 for the share with the smallest margins (rounded down), 0 for the others.
 *
 * Takes and returns plain numbers, as groups for {@link groupAccuracy}.
 *
 * Source: the margin groups of Zhou et al., "Fortuitous Forgetting" (2022).
 *
 * @throws If `share` is not in [0, 1].
 *
 * @example
 * ```ts
 * import { difficultGroup } from 'tfjs-llf';
 *
 * console.log(difficultGroup([0.9, 0.1, 0.5, 0.8], 0.25)); // 0, 1, 0, 0
 * ```
 */
export function difficultGroup(marginsOfSamples: ArrayLike<number>, share = 0.1): Uint8Array {
  return magnitudeMask(marginsOfSamples, 1 - share).map((kept) => 1 - kept);
}
