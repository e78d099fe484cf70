import type { Tensor2D } from '@tensorflow/tfjs-core';
import { argumentError, requireInteger } from '../core/checks.js';
import { randomStream } from '../core/random.js';

/** Options of {@link fewShotEpisodes}. */
export interface FewShotOptions {
  /** Classes in an episode. Default 5. */
  ways?: number;
  /** Samples per class to learn from. Default 5. */
  shots?: number;
  /** Samples per class to be tested on. Default 15. */
  queries?: number;
  /** Number of episodes. Default 100. */
  episodes?: number;
  /** Seed of the draws. */
  seed: number;
}

/** What {@link fewShotEpisodes} returns. */
export interface FewShotResult {
  /** Accuracy of each episode. */
  readonly accuracies: Float64Array;
  /** Their mean. */
  readonly mean: number;
  /** Half of the 95 % confidence interval of the mean. */
  readonly interval: number;
}

/**
 * How well features serve to learn new classes from few samples: in each episode, classes and samples are drawn at
 * random, and each query goes to the class whose mean is nearest.
 *
 * Takes features `[N, F]` float32 and N class numbers; chance is `1 / ways`. Nothing is trained, nothing is changed.
 *
 * Source: the protocol of Guo et al., "A Broader Study of Cross-Domain Few-Shot Learning" (2020), with the classifier of
 * Snell et al., "Prototypical Networks" (2017), in place of a fine-tuned one.
 *
 * @throws If an option is out of its range, or fewer than `ways` classes have `shots + queries` samples.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { fewShotEpisodes } from 'tfjs-llf';
 *
 * const labels = Array.from({ length: 40 }, (_, i) => i % 2);
 * const features = tf.tensor2d(labels, [40, 1]);
 * const { mean } = await fewShotEpisodes(features, labels, { ways: 2, shots: 1, seed: 7 }); // 1
 * ```
 */
export async function fewShotEpisodes(
  features: Tensor2D,
  labels: ArrayLike<number>,
  { ways = 5, shots = 5, queries = 15, episodes = 100, seed }: FewShotOptions,
): Promise<FewShotResult> {
  const owner = 'fewShotEpisodes';
  for (const [name, value] of Object.entries({ ways, shots, queries, episodes })) requireInteger(owner, name, value, 1);
  requireInteger(owner, 'seed', seed);
  const members = new Map<number, number[]>();
  Array.from(labels).forEach((label, i) => {
    members.set(label, [...(members.get(label) ?? []), i]);
  });
  const classes = [...members.values()].filter(({ length }) => length >= shots + queries);
  if (classes.length < ways) {
    throw argumentError(owner, 'ways', `at most ${classes.length}, the classes with ${shots + queries} samples`, ways);
  }
  const width = features.shape[1];
  const values = await features.data();
  const accuracies = Float64Array.from({ length: episodes }, (_, episode) => {
    const stream = randomStream(seed, owner, episode);
    const chosen = [...stream.permutation(classes.length)].slice(0, ways).map((i) => {
      const mine = classes[i] as number[];
      return [...stream.permutation(mine.length)].slice(0, shots + queries).map((j) => mine[j] as number);
    });
    const centres = chosen.map((samples) =>
      Float64Array.from({ length: width }, (_, f) =>
        samples.slice(0, shots).reduce((sum, i) => sum + (values[i * width + f] as number) / shots, 0),
      ),
    );
    let right = 0;
    chosen.forEach((samples, own) => {
      for (const i of samples.slice(shots)) {
        const distances = centres.map((centre) =>
          centre.reduce((sum, c, f) => sum + ((values[i * width + f] as number) - c) ** 2, 0),
        );
        right += Number(distances.indexOf(Math.min(...distances)) === own);
      }
    });
    return right / (ways * queries);
  });
  const mean = accuracies.reduce((sum, x) => sum + x, 0) / episodes;
  const variance = accuracies.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(episodes - 1, 1);
  return { accuracies, mean, interval: 1.96 * Math.sqrt(variance / episodes) };
}
