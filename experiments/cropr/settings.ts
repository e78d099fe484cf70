/** What is compared, and at what size. */
import type { PruningConfig, Router, VisionTransformerConfig } from 'tfjs-llf';
import type { SceneConfig } from '../../examples/data/scenes.js';

/** A digit of 15 x 15 pixels is 9 of the 36 patches; six fragments of other digits lie about it. */
export const SCENE: SceneConfig = { canvas: 30, digit: 15, step: 5, clutter: 6, fragment: 5 };

export const VIT: VisionTransformerConfig = {
  imageSize: SCENE.canvas,
  channels: 1,
  patchSize: 5,
  dim: 64,
  depth: 6,
  heads: 8,
  mlpRatio: 2,
  classes: 10,
  // So narrow a network learns sooner from wider kernels.
  kernelStd: 0.06,
  positionStd: 0.3,
};

/** Names of the rows, as in the JSON line. */
export type Variant = 'unpruned' | Router | 'croprNoFusion' | 'randomNoFusion';

/** 8 + 3 · 7 = 29 of 36 patches (81 %) are gone before the last block, with fusion as in the paper. */
const FUSED = { prune: 7, fusion: true } as const;
/** The same number over five modules: ToMe can merge at most half of the tokens at once. */
const NOT_FUSED = { prune: [6, 6, 6, 6, 5], fusion: false } as const;

const PRUNING: Readonly<Record<Exclude<Variant, 'unpruned'>, PruningConfig>> = {
  cropr: { ...FUSED, router: 'cropr' },
  random: { ...FUSED, router: 'random' },
  variance: { ...FUSED, router: 'variance' },
  attention: { ...FUSED, router: 'attention' },
  nonSalient: { ...FUSED, router: 'nonSalient' },
  tome: { ...NOT_FUSED, router: 'tome' },
  croprNoFusion: { ...NOT_FUSED, router: 'cropr' },
  randomNoFusion: { ...NOT_FUSED, router: 'random' },
};

const VARIANTS: readonly Variant[] = ['unpruned', ...(Object.keys(PRUNING) as (keyof typeof PRUNING)[])];

/** Cropr at gentler rates, by patches dropped per module: what the last point of accuracy costs. */
const RATES = { prune4: 4, prune5: 5, prune6: 6 } as const;
export type Rate = keyof typeof RATES;

/** How a variant prunes. */
export function pruningOf(variant: Variant | Rate): PruningConfig | undefined {
  if (variant === 'unpruned') return undefined;
  return variant in RATES
    ? { ...PRUNING.cropr, prune: RATES[variant as Rate] }
    : PRUNING[variant as keyof typeof PRUNING];
}

/** How long and how fast to train. */
export interface Recipe {
  epochs: number;
  /** Optimizer steps per epoch; every epoch composes new scenes. */
  steps: number;
  batchSize: number;
  /** Highest learning rate of a cosine with a warm-up of one epoch. */
  peak: number;
  /** Epochs at the beginning in which the scenes hold no clutter. */
  cleanEpochs: number;
}

/** Of the unpruned backbone, once per seed. */
export const PRETRAIN: Recipe = { epochs: 64, steps: 100, batchSize: 32, peak: 3e-3, cleanEpochs: 4 };
/** Of every variant from the same backbone, the unpruned one too. */
const FINE_TUNE: Recipe = { epochs: 10, steps: 100, batchSize: 32, peak: 1e-3, cleanEpochs: 0 };

export const SEEDS: readonly number[] = [1, 2, 3];

/** What is compared in one run. */
export interface Comparison {
  variants: readonly (Variant | Rate)[];
  fineTune: Recipe;
  /** Number of held-back scenes, one of each test digit, the same for all seeds and variants. */
  testScenes: number;
}

/** `npm run experiment -- cropr`, and what may follow it on the command line. */
export const COMPARISONS: Readonly<Record<string, Comparison>> = {
  routers: { variants: VARIANTS, fineTune: FINE_TUNE, testScenes: 2000 },
  rates: { variants: ['unpruned', 'prune4', 'prune5', 'prune6', 'cropr'], fineTune: FINE_TUNE, testScenes: 2000 },
  longer: {
    variants: ['unpruned', 'cropr', 'prune4', 'random', 'variance', 'nonSalient'],
    fineTune: { ...FINE_TUNE, epochs: 30 },
    // Rows differ by less than 2,000 scenes can tell.
    testScenes: 10_000,
  },
};
