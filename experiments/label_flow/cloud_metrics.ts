/** Distances between clouds of points, and what completions are measured by. */
import type { Cloud, Point } from './clouds.js';

function squaredDistance(a: Point, b: Point): number {
  return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
}

/** For each point of one cloud the squared distance to the nearest point of the other. */
function nearest(from: Cloud, to: Cloud): number[] {
  return from.map((a) => to.reduce((least, b) => Math.min(least, squaredDistance(a, b)), Number.POSITIVE_INFINITY));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Chamfer distance: mean squared distance to the nearest point, both ways. */
export function chamfer(a: Cloud, b: Cloud): number {
  return mean(nearest(a, b)) + mean(nearest(b, a));
}

/** Directed Hausdorff distance: how far the remotest point of one cloud is from the other cloud. */
export function directedHausdorff(from: Cloud, to: Cloud): number {
  return Math.sqrt(Math.max(...nearest(from, to)));
}

/** What completions are measured by. */
export interface CompletionScores {
  /** Minimal matching distance: chamfer distance from each real shape to the completion nearest to it, mean. */
  mmd: number;
  /** Total mutual difference: for each partial shape the sum over its completions of the mean chamfer distance to the others. */
  tmd: number;
  /** Unidirectional Hausdorff distance from the partial shapes to their completions, mean. */
  uhd: number;
}

/** Scores of completions, several for each partial shape, beside real shapes. */
export function completionScores(
  partial: readonly Cloud[],
  completions: readonly (readonly Cloud[])[],
  real: readonly Cloud[],
): CompletionScores {
  const all = completions.flat();
  return {
    mmd: mean(real.map((shape) => Math.min(...all.map((one) => chamfer(shape, one))))),
    tmd: mean(
      completions.map((own) =>
        own.reduce((sum, one) => {
          const others = own.filter((other) => other !== one);
          return sum + (others.length > 0 ? mean(others.map((other) => chamfer(one, other))) : 0);
        }, 0),
      ),
    ),
    uhd: mean(partial.map((shape, n) => mean((completions[n] ?? []).map((one) => directedHausdorff(shape, one))))),
  };
}
