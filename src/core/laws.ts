import { initializers } from '@tensorflow/tfjs-layers';

type Initializer = ReturnType<typeof initializers.zeros>;

/** The law that a weight is drawn from. */
export type WeightLaw = (seed: number) => Initializer;

export const zeros: WeightLaw = () => initializers.zeros();

export const ones: WeightLaw = () => initializers.ones();

export const constant =
  (value: number): WeightLaw =>
  () =>
    initializers.constant({ value });

/** Mean 0, cut at two standard deviations. */
export const truncatedNormal =
  (stddev: number): WeightLaw =>
  (seed) =>
    initializers.truncatedNormal({ stddev, seed });

/** Mean 0. */
export const normal =
  (stddev: number): WeightLaw =>
  (seed) =>
    initializers.randomNormal({ mean: 0, stddev, seed });

/** Between `-bound` and `bound`. */
export const uniform =
  (bound: number): WeightLaw =>
  (seed) =>
    initializers.randomUniform({ minval: -bound, maxval: bound, seed });
