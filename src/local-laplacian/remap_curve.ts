import { requireNumber } from '../core/checks.js';
import { between } from './between.js';

/** A remap function as numbers: what a filter does to details. */
export interface RemapCurve {
  /** Details d = pixel − local mean, evenly spaced, from negative (darker than around) to positive. */
  readonly detail: readonly number[];
  /** m(d). */
  readonly remapped: readonly number[];
  /** m'(d), from differences of neighbours. */
  readonly slope: readonly number[];
}

/** The curve through these points. */
export function curveOf(detail: readonly number[], remapped: readonly number[]): RemapCurve {
  const last = detail.length - 1;
  const slope = detail.map((_, i) => {
    const [left, right] = [Math.max(i - 1, 0), Math.min(i + 1, last)];
    const rise = (remapped[right] as number) - (remapped[left] as number);
    return rise / ((detail[right] as number) - (detail[left] as number));
  });
  return { detail, remapped, slope };
}

/**
 * Whether a remap function rises everywhere, so that details keep their order; the paper's check of what was learned.
 *
 * It says nothing of the whole filter, which mixes curves around different local means. `tolerance` is how far m may fall
 * from one point to the next, for rounding; default 1e-6.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { isMonotone, TrainableLLF } from 'tfjs-llf';
 *
 * const smoothing = new TrainableLLF({ alpha: -0.9 });
 * smoothing.build([null, 64, 64, 1]);
 * if (!isMonotone(smoothing.remapCurve(201))) throw new Error('rises for every alpha above -beta');
 * ```
 */
export function isMonotone({ remapped }: RemapCurve, tolerance = 1e-6): boolean {
  requireNumber('isMonotone', 'tolerance', tolerance, 0);
  return remapped.every((value, i) => i === 0 || value >= (remapped[i - 1] as number) - tolerance);
}

/** The value that belongs to a detail, between those of its neighbours in a line. */
function at(d: number, detail: readonly number[], values: readonly number[]): number {
  const last = detail.length - 1;
  const [low, high] = [detail[0], detail[last]] as [number, number];
  return between(values, (last * (d - low)) / (high - low));
}

const inWords = (slope: number, more: string, less: string): string =>
  slope > 1.05 ? more : slope < 0.95 ? less : 'kept';

/**
 * Says in words what a remap function does: to fine details, to edges, to shadows against highlights.
 *
 * One sentence each on the slope at 0, the slopes at ±`sigma` (default: a fifth of the largest detail), the slopes at both
 * ends, the asymmetry m(d) + m(−d) − 2 m(0) (a constant in m changes no image), and whether the curve rises everywhere.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { explainRemap, TrainableLLF } from 'tfjs-llf';
 *
 * const filter = new TrainableLLF({ sigma: 0.15, alpha: 1, beta: 0.8 });
 * filter.build([null, 64, 64, 1]);
 * console.log(explainRemap(filter.remapCurve(401), 0.15)); // Fine details are amplified (slope 1.80 at 0). ...
 * ```
 */
export function explainRemap(curve: RemapCurve, sigma?: number): string {
  const { detail, remapped, slope } = curve;
  const end = Math.min(-(detail[0] as number), detail[detail.length - 1] as number);
  const edge = sigma === undefined ? end / 5 : requireNumber('explainRemap', 'sigma', sigma, Number.MIN_VALUE, end);
  const show = (value: number): string => value.toFixed(2);
  const [centre, below, above, low, high] = [0, -edge, edge, -end, end].map((d) => at(d, detail, slope)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  // A constant in m is taken away again by the pyramid.
  const lifts = [edge, end].map(
    (d) => at(d, detail, remapped) + at(-d, detail, remapped) - 2 * at(0, detail, remapped),
  );
  const lift = lifts.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return [
    `Fine details are ${inWords(centre, 'amplified', 'smoothed')} (slope ${show(centre)} at 0).`,
    `At details of ${show(edge)} the slope is ${show(below)} for darker and ${show(above)} for lighter ones.`,
    `Large edges are ${inWords((low + high) / 2, 'expanded', 'compressed')} (slope ${show(low)} at ${show(-end)}, ${show(high)} at ${show(end)}).`,
    Math.abs(lift) < 0.01 * end
      ? 'Shadows and highlights are treated alike.'
      : lift > 0
        ? `Highlights gain on shadows: lighter details are changed by ${show(lift)} more than darker ones.`
        : `Shadows gain on highlights: darker details are changed by ${show(-lift)} more than lighter ones.`,
    isMonotone(curve)
      ? 'The curve rises everywhere: details keep their order.'
      : `The curve falls in places (lowest slope ${show(Math.min(...slope))}): some details change their order.`,
  ].join(' ');
}
