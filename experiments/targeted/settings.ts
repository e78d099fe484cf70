/** The published settings, but for the length of training and what is measured on. */
import { type ForgetOperation, laterLayers, partialForgetting } from 'tfjs-llf';

/** A tenth of MNIST's training images, a tenth of their labels replaced at random. */
export const DATA = { samples: 6000, wrong: 0.1 };
/** LeNet-300-100 with plain gradient descent. */
export const RECIPE = { hidden: [300, 100], rate: 0.1, batchSize: 128, epochs: 120 };
/** Epochs after which a copy of the network forgets. */
export const PROBES: readonly number[] = [1, 5, 10, 20, 40, 60, 80, 100, 120];
/** Share of the samples that counts as difficult: those with the smallest margins. */
export const DIFFICULT = 0.1;
export const SEEDS: readonly number[] = [1, 2, 3];

/** The first values of the kernels are not always lost: variants of what the authors probe, by what forgets. */
const SHARED = { when: 'new', head: 'half' } as const;
const SMALLEST = { ...SHARED, keep: 0.3, mask: 'magnitude', dropped: 'zero', vectors: 'keep' } as const;
export const OPERATIONS: Readonly<Record<string, () => ForgetOperation>> = {
  // As Knowledge Evolution does, with a new split each time.
  randomToNew: () => partialForgetting({ ...SHARED, keep: 0.5, mask: 'random', vectors: 'drop' }),
  // As pruning does, without and with rewinding.
  smallestToZero: () => partialForgetting(SMALLEST),
  smallestRewound: () => partialForgetting({ ...SMALLEST, kept: 'rewind' }),
  laterLayers: () => laterLayers({ from: 'second' }),
  earlyLayers: () => laterLayers({ from: 'second', reverse: true }),
};
