/** What is compared, and at what size. */
import type { DensePruningConfig, SegmentationTransformerConfig } from 'tfjs-llf';
import type { DenseSceneConfig } from '../../examples/data/dense_scenes.js';
import { inkScores } from '../ink_scores.js';

/** One or two digits of 4 x 4 patches among fragments of others: most of the 144 patches say nothing. */
export const SCENE: DenseSceneConfig = { canvas: 48, count: [1, 2], overlap: 0, step: 4, clutter: 4, fragment: 6 };
/** As many digits as find a place, five or six: where training begins, since each scene shows so many. */
const CROWD: DenseSceneConfig = { ...SCENE, count: [9, 9] };
/** Side of the digits in pixels. */
export const DIGIT_SIDE = 16;
/** By how many pixels a digit's label is wider than its ink. */
export const GROWTH = 2;

/** The digits 0 to 4: ten digits ask for a longer training. */
export const DIGIT_CLASSES = 5;
/** Scenes are made of the first so many of them, to train with; to test with there are 5,139. */
export const DIGITS = 10_000;

/** The digits and the background are classes. */
export const NETWORK: SegmentationTransformerConfig = {
  imageSize: SCENE.canvas,
  channels: 1,
  patchSize: 4,
  dim: 64,
  depth: 6,
  heads: 2,
  classes: DIGIT_CLASSES + 1,
  // So narrow a network learns sooner from wider kernels, and queries find their patch by strong positions alone.
  kernelStd: 0.1,
  positionStd: 0.5,
};

/** Names of the rows, as in the JSON line. */
export type Variant = 'unpruned' | 'cropr' | 'croprNoFusion' | 'random' | 'attention' | 'concat' | 'dtop' | 'ink';

/** 104 of the 144 patches are gone before the last block, at the same places in every variant. */
const SCHEDULE = { prune: [48, 30, 16, 10], after: [0, 1, 2, 3] };

export const PRUNING: Readonly<Record<Exclude<Variant, 'unpruned'>, DensePruningConfig>> = {
  cropr: SCHEDULE,
  croprNoFusion: { ...SCHEDULE, fusion: 'none' },
  random: { ...SCHEDULE, router: 'random' },
  attention: { ...SCHEDULE, router: 'attention' },
  concat: { ...SCHEDULE, fusion: 'end' },
  dtop: { ...SCHEDULE, fusion: 'logits' },
  ink: { ...SCHEDULE, router: inkScores(NETWORK.patchSize) },
};

export const VARIANTS: readonly Variant[] = ['unpruned', ...(Object.keys(PRUNING) as (keyof typeof PRUNING)[])];

/** On what, how long and how fast to train; every epoch composes new scenes. */
export interface Recipe {
  scene: DenseSceneConfig;
  epochs: number;
  /** Optimizer steps per epoch. */
  steps: number;
  batchSize: number;
  /** Highest learning rate of a cosine with a warm-up of one epoch. */
  peak: number;
}

/** All that decides about the numbers, but for the seed and the variant. */
export interface Settings {
  /** Of the unpruned backbone, once per seed. */
  pretrain: Recipe;
  /** Of every variant from the same backbone, the unpruned one too. */
  fineTune: Recipe;
  seeds: readonly number[];
  /** Held-back scenes, the same for all seeds and variants. */
  testScenes: number;
}

export const FULL: Settings = {
  pretrain: { scene: CROWD, epochs: 24, steps: 50, batchSize: 4, peak: 3e-3 },
  fineTune: { scene: SCENE, epochs: 40, steps: 50, batchSize: 4, peak: 3e-3 },
  seeds: [1, 2, 3],
  testScenes: 500,
};

/** To see that everything runs: `npm run experiment -- segmentation quick`. */
export const QUICK: Settings = {
  pretrain: { scene: CROWD, epochs: 2, steps: 2, batchSize: 4, peak: 2e-3 },
  fineTune: { scene: SCENE, epochs: 2, steps: 2, batchSize: 4, peak: 5e-4 },
  seeds: [1],
  testScenes: 20,
};
