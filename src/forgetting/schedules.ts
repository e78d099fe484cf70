import { argumentError, requireInteger, requireNumber } from '../core/checks.js';

/** A value at a time: an optimizer step or an epoch, counted from 0, absolute. */
export type Schedule = (time: number) => number;

/** Options of {@link cosineWarmup}. */
export interface CosineWarmupOptions {
  /** Highest value, reached at the end of the warm-up. */
  peak: number;
  /** Value that the cosine tends to. Default 0. */
  final?: number;
  /** Steps or epochs in all; a fraction is rounded up. */
  total: number;
  /** Steps or epochs of warm-up, below `total`; a fraction is rounded up. Default 0. */
  warmup?: number;
  /**
   * How the warm-up climbs. `'fromZero'`: W points evenly from 0 to the peak, the first raised to the second (Cropr, per
   * step). `'toPeak'`: (t + 1) / W of the peak (SEAL and forget-and-relearn, per epoch). Default `'fromZero'`.
   */
  rise?: 'fromZero' | 'toPeak';
  /** Start over every `total`, as in one run per generation. Default false: `final` from then on. */
  restart?: boolean;
}

function requireTime(owner: string, time: number): number {
  return requireNumber(owner, 'time', time, 0);
}

function halfCosine(peak: number, final: number, t: number, length: number): number {
  return final + 0.5 * (peak - final) * (1 + Math.cos((Math.PI * t) / length));
}

/** The warm-up's value at `t` of `warmup`. */
function climb(rise: 'fromZero' | 'toPeak', peak: number, t: number, warmup: number): number {
  if (rise === 'toPeak') return t + 1 >= warmup ? peak : (peak * (t + 1)) / warmup;
  if (warmup === 1) return peak;
  return t >= warmup - 1 ? peak : Math.max(t, 1) * (peak / (warmup - 1));
}

/**
 * A linear warm-up to `peak`, then half a cosine down towards `final`.
 *
 * Takes and returns plain numbers: `peak`, `final` and the value are learning rates (or whatever is scheduled), times
 * are steps or epochs from 0. With W = ceil(warmup) and T = ceil(total), at time t >= W the value is
 * `final + (peak - final) / 2 * (1 + cos(pi * (t - W) / (T - W)))`; the last one, at T - 1, is a little above `final`.
 *
 * Source: Bergner et al., "Token Cropr", the published recipe (per step, step 0 takes step 1's value); Sarfi et al.,
 * SEAL, and Zhou et al., "Fortuitous Forgetting", per epoch with `rise: 'toPeak', restart: true`.
 *
 * @throws If an option is out of its range or a time is negative.
 *
 * @example
 * ```ts
 * import { cosineWarmup, LearningRateSchedule } from 'tfjs-llf';
 *
 * const stepsPerEpoch = 100;
 * const rate = cosineWarmup({ peak: 4e-3, final: 1e-6, warmup: 5 * stepsPerEpoch, total: 50 * stepsPerEpoch });
 * const schedule = new LearningRateSchedule(rate, { unit: 'step' });
 * ```
 */
export function cosineWarmup(options: CosineWarmupOptions): Schedule {
  const owner = 'cosineWarmup';
  const { peak, final = 0, rise = 'fromZero', restart = false } = options;
  requireNumber(owner, 'peak', peak);
  requireNumber(owner, 'final', final);
  const total = Math.ceil(requireNumber(owner, 'total', options.total, Number.MIN_VALUE));
  const warmup = Math.ceil(requireNumber(owner, 'warmup', options.warmup ?? 0, 0));
  if (warmup >= total) throw argumentError(owner, 'warmup', `less than total (${total})`, warmup);
  return (time) => {
    const t = restart ? requireTime(owner, time) % total : requireTime(owner, time);
    if (t < warmup) return climb(rise, peak, t, warmup);
    return t >= total ? final : halfCosine(peak, final, t - warmup, total - warmup);
  };
}

/** Options of {@link longCosine}. */
export interface LongCosineOptions {
  /** Highest value, reached at the end of the warm-up. */
  peak: number;
  /** Number of generations. */
  generations: number;
  /** Epochs in each. */
  epochsPerGeneration: number;
  /** Epochs of warm-up. Default 0. */
  warmup?: number;
  /** Warm up in the first generation only (SEAL), or in each (forget-and-relearn). Default `'first'`. */
  warmupIn?: 'first' | 'every';
}

/**
 * One cosine over all generations, the baseline that trains equally long without starting over.
 *
 * Takes an absolute epoch, returns a learning rate. As {@link cosineWarmup} with `rise: 'toPeak'` over
 * `generations * epochsPerGeneration` epochs; with `warmupIn: 'every'` the first `warmup` epochs of every generation
 * climb again, whatever the cosine says there.
 *
 * Source: Sarfi et al., SEAL, and Zhou et al., "Fortuitous Forgetting", policy `long_cosine` of each.
 *
 * @throws If an option is out of its range or an epoch is negative.
 *
 * @example
 * ```ts
 * import { LearningRateSchedule, longCosine } from 'tfjs-llf';
 *
 * const rate = longCosine({ peak: 0.1, generations: 10, epochsPerGeneration: 160, warmup: 20 });
 * const schedule = new LearningRateSchedule(rate, { unit: 'epoch' });
 * ```
 */
export function longCosine(options: LongCosineOptions): Schedule {
  const owner = 'longCosine';
  const { peak, generations, epochsPerGeneration, warmup = 0, warmupIn = 'first' } = options;
  requireInteger(owner, 'generations', generations, 1);
  requireInteger(owner, 'epochsPerGeneration', epochsPerGeneration, 1);
  requireInteger(owner, 'warmup', warmup, 0, epochsPerGeneration);
  const whole = cosineWarmup({ peak, total: generations * epochsPerGeneration, warmup, rise: 'toPeak' });
  return (epoch) => {
    const inGeneration = requireTime(owner, epoch) % epochsPerGeneration;
    if (warmupIn === 'every' && inGeneration < warmup) return climb('toPeak', peak, inGeneration, warmup);
    return whole(epoch);
  };
}

/** Options of {@link stepDecay}. */
export interface StepDecayOptions {
  /** Value before the first milestone. */
  initial: number;
  /** Steps or epochs in all; the milestones stand at 50 % and 75 % of it. Give this or `milestones`. */
  total?: number;
  /** Times from which on the value is multiplied once more by `factor`, ascending. */
  milestones?: readonly number[];
  /** Default 0.1. */
  factor?: number;
  /** Steps or epochs in which the value climbs as (t + 1) / warmup of `initial`. Default 0. */
  warmup?: number;
}

/**
 * A value that is multiplied by `factor` at each milestone.
 *
 * Takes and returns plain numbers; times are steps or epochs from 0.
 *
 * Source: Zhou et al., "Fortuitous Forgetting", policy `step_lr` for one generation: a tenth from 50 %, a hundredth from
 * 75 % of the run. Their code for several generations never reaches the hundredth; this one does.
 *
 * @throws If an option is out of its range, both or neither of `total` and `milestones` are given, or a time is negative.
 *
 * @example
 * ```ts
 * import { LearningRateSchedule, stepDecay } from 'tfjs-llf';
 *
 * const schedule = new LearningRateSchedule(stepDecay({ initial: 0.1, total: 160 }), { unit: 'epoch' });
 * ```
 */
export function stepDecay({ initial, total, milestones, factor = 0.1, warmup = 0 }: StepDecayOptions): Schedule {
  const owner = 'stepDecay';
  requireNumber(owner, 'initial', initial);
  requireNumber(owner, 'factor', factor, 0);
  requireNumber(owner, 'warmup', warmup, 0);
  if ((total === undefined) === (milestones === undefined)) {
    throw argumentError(owner, 'milestones', 'given if total is not, and only then', milestones);
  }
  const end = total === undefined ? 0 : requireNumber(owner, 'total', total, 0);
  const times = milestones ?? [0.5 * end, 0.75 * end];
  times.forEach((time, i) => {
    requireNumber(owner, `milestones[${i}]`, time, i === 0 ? 0 : times[i - 1]);
  });
  return (time) => {
    if (requireTime(owner, time) < warmup) return climb('toPeak', initial, time, warmup);
    const passed = times.filter((milestone) => time >= milestone).length;
    // Divided, since 0.1 / 10 is 0.01 and 0.1 * 0.1 is not.
    return initial / (1 / factor) ** passed;
  };
}

/** Options of {@link polynomial}. */
export interface PolynomialOptions {
  /** Value at time 0 (without warm-up). */
  initial: number;
  /** Value at `total` and after. Default 0. */
  final?: number;
  /** Steps or epochs in all. */
  total: number;
  /** Exponent. Default 0.9. */
  power?: number;
  /** Steps or epochs in which the value climbs in a line from `final` to the curve. Default 0. */
  warmup?: number;
}

/**
 * A value that falls as a power of the time that is left: `(initial - final) * (1 - t / total) ** power + final`.
 *
 * Takes and returns plain numbers; times are steps or epochs from 0.
 *
 * Source: Bergner et al., "Token Cropr", the published recipe for segmentation (per step, power 0.9, to 0).
 *
 * @throws If an option is out of its range or a time is negative.
 *
 * @example
 * ```ts
 * import { LearningRateSchedule, polynomial } from 'tfjs-llf';
 *
 * const schedule = new LearningRateSchedule(polynomial({ initial: 2e-5, total: 1000 }), { unit: 'step' });
 * ```
 */
export function polynomial({ initial, final = 0, total, power = 0.9, warmup = 0 }: PolynomialOptions): Schedule {
  const owner = 'polynomial';
  requireNumber(owner, 'initial', initial);
  requireNumber(owner, 'final', final);
  requireNumber(owner, 'total', total, Number.MIN_VALUE);
  requireNumber(owner, 'power', power, 0);
  requireNumber(owner, 'warmup', warmup, 0, total);
  const curve = (time: number): number => (1 - time / total) ** power;
  return (time) => {
    if (requireTime(owner, time) >= total) return final;
    const share = time < warmup ? (time / warmup) * curve(warmup) : curve(time);
    return (initial - final) * share + final;
  };
}
