/** What is compared, and at what size. */
import type { DetectionLossConfig, DetectionPruningConfig, DetectionTransformerConfig } from 'tfjs-llf';
import type { DenseSceneConfig } from '../../examples/data/dense_scenes.js';
import { inkScores } from '../ink_scores.js';

/** One or two digits among fragments of others, their corners on those of patches: most of the 100 patches say nothing. */
export const SCENE: DenseSceneConfig = { canvas: 40, count: [1, 2], overlap: 0, step: 4, clutter: 4, fragment: 5 };
/** As many digits as find a place, four to seven: where the backbone begins, since each scene shows so many. */
const CROWD: DenseSceneConfig = { ...SCENE, count: [9, 9] };
/** Sides of the digits in pixels, each as likely. */
export const DIGIT_SIDES: readonly number[] = [12, 16];

/** Scenes are made of the first 10,000 digits to train with, and of the 10,000 to test with. */
export const DIGITS = 10_000;

/** 100 patches. */
export const NETWORK: DetectionTransformerConfig = {
  imageSize: SCENE.canvas,
  channels: 1,
  patchSize: 4,
  dim: 64,
  depth: 6,
  heads: 4,
  classes: 10,
  masks: { prototypes: 8 },
  headRatio: 2,
  // So narrow a network learns sooner from wider kernels.
  kernelStd: 0.1,
};

/** One cell of ten has an object, so that nothing need be focused on; and what is hard here is to tell the digits apart. */
export const LOSS: DetectionLossConfig = { alpha: 0.5, gamma: 0, box: 1, centerness: 0.3, mask: 0.5 };

/** Names of the rows, as in the JSON line. */
export type Variant = 'unpruned' | 'cropr' | 'croprNoFusion' | 'random' | 'concat' | 'ink' | 'half' | 'hardly';

/** 72 of the 100 patches are gone before the last block, at the same places in every variant. */
export const SCHEDULE = { prune: [32, 20, 12, 8], after: [0, 1, 2, 3] };

export const PRUNING: Readonly<Record<Exclude<Variant, 'unpruned'>, DetectionPruningConfig>> = {
  cropr: SCHEDULE,
  croprNoFusion: { ...SCHEDULE, fusion: 'none' },
  random: { ...SCHEDULE, router: 'random' },
  concat: { ...SCHEDULE, fusion: 'end' },
  ink: { ...SCHEDULE, router: inkScores(NETWORK.patchSize) },
  half: { ...SCHEDULE, prune: [16, 10, 6, 4] },
  hardly: { ...SCHEDULE, prune: [1, 1, 1, 1] },
};

export const VARIANTS: readonly Variant[] = ['unpruned', ...(Object.keys(PRUNING) as (keyof typeof PRUNING)[])];

/** How long and how fast to train; every epoch composes new scenes. */
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
  /** Of the backbone, one part after another. */
  pretrain: readonly Recipe[];
  /** Of every variant from the same backbone, the unpruned one too. */
  fineTune: Recipe;
  seeds: readonly number[];
  /** Held-back scenes, the same for all seeds and variants. */
  testScenes: number;
}

export const FULL: Settings = {
  pretrain: [
    { scene: CROWD, epochs: 24, steps: 50, batchSize: 8, peak: 3e-3 },
    { scene: SCENE, epochs: 6, steps: 50, batchSize: 8, peak: 1.5e-3 },
  ],
  fineTune: { scene: SCENE, epochs: 12, steps: 50, batchSize: 8, peak: 2e-3 },
  seeds: [1, 2, 3],
  testScenes: 500,
};

/** To see that everything runs: `npm run experiment -- detection quick`. */
export const QUICK: Settings = {
  pretrain: [
    { scene: CROWD, epochs: 2, steps: 2, batchSize: 4, peak: 2e-3 },
    { scene: SCENE, epochs: 2, steps: 2, batchSize: 4, peak: 2e-3 },
  ],
  fineTune: { scene: SCENE, epochs: 2, steps: 2, batchSize: 4, peak: 5e-4 },
  seeds: [1],
  testScenes: 20,
};
