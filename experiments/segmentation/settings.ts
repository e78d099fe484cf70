/** What is compared, and at what size. */
import type { DensePruningConfig, SegmentationTransformerConfig } from 'tfjs-llf';
import type { DenseSceneConfig } from '../../examples/data/dense_scenes.js';

/** One to three digits, which may overlap a little, among fragments of others. */
export const SCENE: DenseSceneConfig = { canvas: 40, count: [1, 3], overlap: 0.2, clutter: 8, fragment: 5 };
/** Sides of the digits in pixels, each as likely. */
export const DIGIT_SIDES: readonly number[] = [12, 16];

/** Scenes are made of the first 10,000 digits to train with, and of the 10,000 to test with. */
export const DIGITS = 10_000;

/** 100 patches; the digits and the background are classes. */
export const NETWORK: SegmentationTransformerConfig = {
  imageSize: SCENE.canvas,
  channels: 1,
  patchSize: 4,
  dim: 64,
  depth: 6,
  heads: 4,
  classes: 11,
  // So narrow a network learns sooner from wider kernels.
  kernelStd: 0.1,
  positionStd: 0.3,
};

/** Names of the rows, as in the JSON line. */
export type Variant = 'unpruned' | 'cropr' | 'croprNoFusion' | 'random' | 'attention' | 'concat' | 'dtop';

/** 80 of the 100 patches are gone before the last block, at the same places in every variant. */
const SCHEDULE = { prune: [40, 20, 12, 8], after: [0, 1, 2, 3] };

export const PRUNING: Readonly<Record<Exclude<Variant, 'unpruned'>, DensePruningConfig>> = {
  cropr: SCHEDULE,
  croprNoFusion: { ...SCHEDULE, fusion: 'none' },
  random: { ...SCHEDULE, router: 'random' },
  attention: { ...SCHEDULE, router: 'attention' },
  concat: { ...SCHEDULE, fusion: 'end' },
  dtop: { ...SCHEDULE, fusion: 'logits' },
};

export const VARIANTS: readonly Variant[] = ['unpruned', ...(Object.keys(PRUNING) as (keyof typeof PRUNING)[])];

/** How long and how fast to train; every epoch composes new scenes. */
export interface Recipe {
  epochs: number;
  /** Optimizer steps per epoch. */
  steps: number;
  batchSize: number;
  /** Highest learning rate of a cosine with a warm-up of one epoch. */
  peak: number;
}

/** All that decides about the numbers, but for the seed and the variant. */
export interface Settings {
  pretrain: Recipe;
  /** Of every variant from the same backbone, the unpruned one too. */
  fineTune: Recipe;
  seeds: readonly number[];
  /** Held-back scenes, the same for all seeds and variants. */
  testScenes: number;
}

export const FULL: Settings = {
  pretrain: { epochs: 40, steps: 25, batchSize: 16, peak: 2e-3 },
  fineTune: { epochs: 4, steps: 25, batchSize: 16, peak: 5e-4 },
  seeds: [1, 2, 3],
  testScenes: 500,
};

/** To see that everything runs: `npm run experiment -- segmentation quick`. */
export const QUICK: Settings = {
  pretrain: { epochs: 2, steps: 2, batchSize: 4, peak: 2e-3 },
  fineTune: { epochs: 2, steps: 2, batchSize: 4, peak: 5e-4 },
  seeds: [1],
  testScenes: 20,
};
