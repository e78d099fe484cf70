/** What is compared, on which data, and how long. */
import type { KnowledgeEvolutionOptions, LaterLayersOptions } from 'tfjs-llf';

/** Data that a network is trained on. */
export interface Regime {
  /** Training images of each class. */
  perClass: number;
  /** Share of the labels that are replaced by classes drawn at random, which may be right. */
  noise: number;
}

export const REGIMES = {
  /** Where forgetting has something to forget. */
  noisy: { perClass: 50, noise: 0.4 },
  /** Where it has not. */
  clean: { perClass: 30, noise: 0 },
} as const satisfies Record<string, Regime>;
export type RegimeName = keyof typeof REGIMES;

/** Epochs in a generation, and generations; each method but `normal` trains for both multiplied. */
export const EPOCHS = 40;
export const GENERATIONS = 4;

/** A way to train: a schedule, and what is forgotten at the start of each generation. */
export interface Method {
  generations: number;
  /** One cosine over all epochs in place of one per generation. */
  long?: boolean;
  seal?: { scale: number; ascentEpochs: number; early: string };
  llf?: Pick<LaterLayersOptions, 'reverse' | 'sameDraw'> & { from: string };
  ke?: Pick<KnowledgeEvolutionOptions, 'mode' | 'splitRate' | 'resetHypothesis'>;
}

const generations = GENERATIONS;
/** First layer of the second stage: 97 % of the weights are in it and after it. */
const SECOND = 'stage2_first_conv';
const THIRD = 'stage3_first_conv';

export const METHODS = {
  normal: { generations: 1 },
  long: { generations, long: true },
  restarts: { generations },
  llf: { generations, llf: { from: SECOND } },
  ke: { generations, ke: { mode: 'wels', splitRate: 0.5 } },
  // A quarter of the generation, as published; the scale is the best of those tried on validation images.
  seal: { generations, seal: { scale: 1, ascentEpochs: 10, early: SECOND } },
} as const satisfies Record<string, Method>;

/** Ascents among which `seal` was chosen, on validation images and another seed. */
export const ASCENTS: readonly Method[] = [
  { scale: 0.01, ascentEpochs: 10, early: SECOND },
  { scale: 0.3, ascentEpochs: 10, early: SECOND },
  { scale: 0.5, ascentEpochs: 10, early: SECOND },
  { scale: 1, ascentEpochs: 10, early: SECOND },
  { scale: 1, ascentEpochs: 5, early: SECOND },
  { scale: 0.5, ascentEpochs: 20, early: SECOND },
  { scale: 0.3, ascentEpochs: 10, early: THIRD },
  { scale: 1, ascentEpochs: 10, early: THIRD },
].map((seal) => ({ generations, seal }));

/** Ablations of later-layer forgetting. */
export const LATER_LAYERS = {
  restarts: METHODS.restarts,
  fromStage2: METHODS.llf,
  fromStage3: { generations, llf: { from: THIRD } },
  early: { generations, llf: { from: SECOND, reverse: true } },
  sameDraw: { generations, llf: { from: SECOND, sameDraw: true } },
} as const satisfies Record<string, Method>;

/** Knowledge Evolution, with the slim network wherever the split is by kernel. */
export const EVOLUTIONS = {
  restarts: METHODS.restarts,
  wels: METHODS.ke,
  kels: { generations, ke: { mode: 'kels', splitRate: 0.5 } },
  kels80: { generations, ke: { mode: 'kels', splitRate: 0.8 } },
  newSplit: { generations, ke: { mode: 'wels', splitRate: 0.5, resetHypothesis: true } },
} as const satisfies Record<string, Method>;

export const SEEDS: readonly number[] = [1, 2, 3];
/** Of the choice among `ASCENTS`. */
export const VALIDATION_SEED = 101;

/** The recipe that all methods share. */
export const RECIPE = { batchSize: 32, peak: 0.1, momentum: 0.9, weightDecay: 5e-4, warmup: 5, labelSmoothing: 0.1 };
/** Pixels by which a training image is shifted at most. */
export const SHIFT = 2;
export const HELD_BACK = 2000;
/** Images of each class from which a linear classifier of another task learns. */
export const TRANSFER_PER_CLASS = 100;
/** Neighbours that vote on the prediction depth. */
export const NEIGHBOURS = 5;
