import { div, image as images, mul, type Tensor, type Tensor4D, tensor, tidy } from '@tensorflow/tfjs-core';
import { type Border, extend, fold, shrink, spread } from './resampling.js';
import { halved, type Size, sizeOf } from './size.js';

/** How a pyramid halves and doubles: see {@link laplacianPyramid}. */
export type Pyramid = 'paris' | 'opencv' | 'lin';

/** The names of all conventions. */
export const PYRAMIDS: readonly Pyramid[] = ['paris', 'opencv', 'lin'];

/** The linear maps between two neighbouring levels `[B, H, W, C]` and their exact adjoints; without a tape. */
export interface PyramidOperators {
  /** A level of half the size. */
  down(fine: Tensor): Tensor;
  downAdjoint(coarse: Tensor, size: Size): Tensor;
  /** A level of the given, finer size. */
  up(coarse: Tensor, size: Size): Tensor;
  upAdjoint(fine: Tensor): Tensor;
}

/** The outer product of a number for each row with one for each column, `[1, H, W, 1]`. */
function outer(size: Size, of: (length: number) => readonly number[]): Tensor {
  const [rows, columns] = [of(size[0]), of(size[1])];
  return mul(tensor(rows, [1, rows.length, 1, 1]), tensor(columns, [1, 1, columns.length, 1]));
}

/** Taps of Burt and Adelson with a = 0.4. */
export const BURT: readonly number[] = [0.05, 0.25, 0.4, 0.25, 0.05];

/** For each place, the sum of those taps that meet one of the samples `0, step, 2 step, ...` below `length`. */
function tapSums(places: readonly number[], length: number, step: number): number[] {
  return places.map((place) =>
    BURT.reduce((sum, tap, i) => {
      const at = place + i - 2;
      return at >= 0 && at < length && at % step === 0 ? sum + tap : sum;
    }, 0),
  );
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const downSums = (length: number): number[] =>
  tapSums(
    upTo((length + 1) >> 1).map((k) => 2 * k),
    length,
    1,
  );
const upSums = (length: number): number[] => tapSums(upTo(length), length, 2);

/** Taps beyond the border are dropped and the others scaled to the sum 1, both ways. */
const paris: PyramidOperators = {
  down: (fine) => div(shrink(fine, BURT, 2), outer(sizeOf(fine), downSums)),
  downAdjoint: (coarse, size) => spread(div(coarse, outer(size, downSums)), BURT, 2, size),
  up: (coarse, size) => div(spread(coarse, BURT, 2, size), outer(size, upSums)),
  upAdjoint: (fine) => shrink(div(fine, outer(sizeOf(fine), upSums)), BURT, 2),
};

/** Linear interpolation; the last odd sample of an even length repeats its neighbour. */
const lin: PyramidOperators = {
  down: paris.down,
  downAdjoint: paris.downAdjoint,
  up: (coarse, [height, width]) => {
    const isOdd = (length: number): boolean => length % 2 === 1;
    if (isOdd(height) === isOdd(width))
      return images.resizeBilinear(coarse as Tensor4D, [height, width], isOdd(height));
    // An axis that keeps its length keeps its values, with or without aligned corners.
    const tall = images.resizeBilinear(coarse as Tensor4D, [height, sizeOf(coarse)[1]], isOdd(height));
    return images.resizeBilinear(tall, [height, width], isOdd(width));
  },
  upAdjoint: (fine) => {
    const size = sizeOf(fine);
    const ends = (length: number): number[] => upTo(length).map((i) => (length % 2 === 0 && i === length - 1 ? 2 : 1));
    const doubled = size.every((length) => length % 2 === 1) ? fine : mul(fine, outer(size, ends));
    return shrink(doubled, [0.5, 1, 0.5], 1);
  },
};

export const BINOMIAL: readonly number[] = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16];
const DOUBLED = BINOMIAL.map((tap) => 2 * tap);

/** The place that stands at `index` when an axis is reflected at its end samples. */
export function reflected(index: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const place = ((index % period) + period) % period;
  return place < length ? place : period - place;
}

/** Beyond a fine level: two samples reflected on each side. */
function fineBorder(length: number): Border {
  const at = (index: number): number => reflected(index, length);
  return { before: [at(-2), at(-1)], after: [at(length), at(length + 1)] };
}

/** Beyond a coarse level: reflected before, repeated after. */
function coarseBorder(length: number): Border {
  return { before: [Math.min(1, length - 1)], after: [length - 1] };
}

function extendBoth(x: Tensor, of: (length: number) => Border): Tensor {
  const [height, width] = sizeOf(x);
  return tidy(() => extend(extend(x, 1, of(height)), 2, of(width)));
}

function foldBoth(x: Tensor, [height, width]: Size, of: (length: number) => Border): Tensor {
  return tidy(() => fold(fold(x, 1, of(height)), 2, of(width)));
}

/** As `cv2.pyrDown` and `cv2.pyrUp`. */
const opencv: PyramidOperators = {
  down: (fine) => shrink(extendBoth(fine, fineBorder), BINOMIAL, 0),
  downAdjoint: (coarse, size) => foldBoth(spread(coarse, BINOMIAL, 4, size), size, fineBorder),
  // The samples begin at place 2 of what is spread, so that no margin puts the taps right.
  up: (coarse, size) => spread(extendBoth(coarse, coarseBorder), DOUBLED, 0, size),
  upAdjoint: (fine) => foldBoth(shrink(fine, DOUBLED, 4), halved(sizeOf(fine)), coarseBorder),
};

/** The same, but that what a step makes on the way does not outlive it. */
function tidied(operators: PyramidOperators): PyramidOperators {
  const maps = Object.entries(operators) as [string, (x: Tensor, size: Size) => Tensor][];
  return Object.fromEntries(
    maps.map(([name, map]) => [name, (x: Tensor, size: Size) => tidy(() => map(x, size))]),
  ) as unknown as PyramidOperators;
}

/** The operators of a convention. */
export const pyramidOperators: Readonly<Record<Pyramid, PyramidOperators>> = {
  paris: tidied(paris),
  opencv: tidied(opencv),
  lin: tidied(lin),
};
