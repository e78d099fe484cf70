/** What is learned, from what, and for how long. */

/** Side of the crops that are trained on, and their number per step. */
export const CROP = 128;
export const BATCH = 4;
export const STEPS = 600;
/** Samples and levels of the contenders' filters. */
export const FILTER = { samples: 12, levels: 6 } as const;
/** Of `mse + weight · (1 - SSIM)`. */
export const SSIM_WEIGHT = 0.1;
export const SEEDS: readonly number[] = [1, 2, 3];

/** Share of the frames of the angiogram, in time, that are trained on; then a gap, then what is tested on. */
export const ANGIOGRAM = { trained: 60, from: 80, every: 4 } as const;
/** Sides and seeds of the phantoms. */
export const PHANTOM = { side: 256, trained: [1, 2, 3, 4, 5, 6], tested: [101, 102, 103, 104] } as const;

/** The contenders, as in the JSON line. */
export type Contender = 'aubry' | 'threeParameter' | 'threeParameterNorm' | 'mlpNorm';
export const CONTENDERS: readonly Contender[] = ['aubry', 'threeParameter', 'threeParameterNorm', 'mlpNorm'];

/** The remap functions of those that learn: the paper's three numbers, and its network of six hidden layers. */
export const REMAPS: Readonly<Record<Contender, 'paris' | { hidden: readonly number[] } | undefined>> = {
  aubry: undefined,
  threeParameter: 'paris',
  threeParameterNorm: 'paris',
  mlpNorm: { hidden: [16, 16, 16, 16, 16, 16] },
};
