import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosineWarmup, longCosine, polynomial, type Schedule, stepDecay } from '../../src/forgetting/schedules.js';
import recorded from '../fixtures/forgetting/schedules.json' with { type: 'json' };

/** Equal to the last bits: numpy and V8 round cosines and powers differently in the last place. */
function expectEqual(
  schedule: Schedule,
  values: readonly number[],
  peak: number,
  timeOf = (i: number): number => i,
): void {
  values.forEach((value, i) => {
    expect(Math.abs(schedule(timeOf(i)) - value)).toBeLessThanOrEqual(2 ** -51 * peak);
  });
}

/** A recorded schedule that stands still between changes, `[from, rate]`, epoch by epoch. */
function unfold({ length, changes }: { length: number; changes: number[][] }): number[] {
  return Array.from({ length }, (_, epoch) => changes.filter(([from = 0]) => from <= epoch).at(-1)?.[1] ?? Number.NaN);
}

describe('the published schedules', () => {
  it('Token Cropr, classification: cosine per step, fractional steps per epoch, step 0 as step 1', () => {
    const { base_value, final_value, epochs, niter_per_ep, warmup_epochs } = recorded.cropr.cosine.args;
    const schedule = cosineWarmup({
      peak: base_value,
      final: final_value,
      total: epochs * niter_per_ep,
      warmup: warmup_epochs * niter_per_ep,
    });
    expect(recorded.cropr.cosine.values).toHaveLength(38);
    expectEqual(schedule, recorded.cropr.cosine.values, base_value);
    // The warm-up involves neither cosine nor power: exactly equal.
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map(schedule)).toEqual(recorded.cropr.cosine.values.slice(0, 9));
    expect(schedule(38)).toBe(final_value);
  });

  it('Token Cropr, segmentation: polynomial per step', () => {
    const { lr, iter_max, power, min_lr } = recorded.cropr.polynomial.args;
    const schedule = polynomial({ initial: lr, final: min_lr, total: iter_max, power });
    expectEqual(schedule, recorded.cropr.polynomial.values_after_k_updates, lr);
    expect(schedule(iter_max)).toBe(0);
  });

  it('SEAL: cosine that starts over each generation, and the long one', () => {
    const restarting = cosineWarmup({ peak: 0.1, total: 160, warmup: 20, rise: 'toPeak', restart: true });
    expect(recorded.seal.cosineFirstThreeGenerations).toHaveLength(480);
    expectEqual(restarting, recorded.seal.cosineFirstThreeGenerations, 0.1);
    const long = longCosine({ peak: 0.1, generations: 10, epochsPerGeneration: 160, warmup: 20 });
    for (const [epoch, rate] of recorded.seal.longCosine)
      expectEqual(long, [rate as number], 0.1, () => epoch as number);
  });

  it('SEAL: its three step policies', () => {
    const { cifar, step, multistep } = recorded.seal;
    for (const one of [cifar, step, multistep]) expect(unfold(one)).toHaveLength(200);
    expectEqual(stepDecay({ initial: 0.1, milestones: [61, 121, 161], factor: 0.2, warmup: 20 }), unfold(cifar), 0.1);
    expectEqual(stepDecay({ initial: 0.1, milestones: [80], warmup: 20 }), unfold(step), 0.1);
    const milestones = [30, 60, 90, 120, 150, 180];
    expectEqual(stepDecay({ initial: 0.1, milestones }), unfold(multistep), 0.1);
  });

  it('forget-and-relearn: cosine, long cosine that warms up in every generation, steps', () => {
    const cosine = cosineWarmup({ peak: 0.256, total: 200, warmup: 5, rise: 'toPeak' });
    expectEqual(cosine, recorded.forgetAndRelearn.cosine, 0.256);
    const long = longCosine({
      peak: 0.256,
      generations: 11,
      epochsPerGeneration: 200,
      warmup: 5,
      warmupIn: 'every',
    });
    for (const [generation, rates] of Object.entries(recorded.forgetAndRelearn.longCosine)) {
      expectEqual(long, rates, 0.256, (i) => Number(generation) * 200 + i);
    }
    const quirk = stepDecay({ initial: 0.1, milestones: [80], warmup: 20 });
    expectEqual(quirk, unfold(recorded.forgetAndRelearn.stepManyGenerations), 0.1);
    const steps = stepDecay({ initial: 0.1, total: 320, warmup: 20 });
    expect(recorded.forgetAndRelearn.stepSingleGeneration.map((_, i) => steps(i))).toEqual(
      recorded.forgetAndRelearn.stepSingleGeneration,
    );
  });
});

describe('laws', () => {
  const shape = fc
    .record({
      peak: fc.double({ min: 1e-6, max: 10, noNaN: true }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      total: fc.integer({ min: 2, max: 500 }),
      warmupShare: fc.double({ min: 0, max: 0.99, noNaN: true }),
    })
    .map(({ peak, share, total, warmupShare }) => ({
      peak,
      final: peak * share,
      total,
      warmup: Math.min(total - 1, Math.floor(total * warmupShare)),
    }));

  it('cosineWarmup climbs to the peak, then never rises, and stays within [0, peak]', () => {
    fc.assert(
      fc.property(shape, fc.constantFrom('fromZero' as const, 'toPeak' as const), (options, rise) => {
        const { peak, final, total, warmup } = options;
        const schedule = cosineWarmup({ ...options, rise });
        const values = Array.from({ length: total + 3 }, (_, t) => schedule(t));
        values.forEach((value, t) => {
          expect(value).toBeGreaterThanOrEqual(t < warmup ? 0 : final * (1 - 1e-12));
          expect(value).toBeLessThanOrEqual(peak * (1 + 1e-12));
          const next = values[t + 1];
          if (next === undefined) return;
          if (t + 1 < warmup) expect(next).toBeGreaterThanOrEqual(value);
          else if (t >= warmup) expect(next).toBeLessThanOrEqual(value * (1 + 1e-12));
        });
        expect(values[warmup]).toBeCloseTo(peak, 9);
        expect(values[total]).toBe(final);
        if (warmup > 0) expect(values[warmup - 1]).toBe(peak);
      }),
    );
  });

  it('a restarted schedule repeats; longCosine of one generation is cosineWarmup', () => {
    fc.assert(
      fc.property(shape, fc.nat({ max: 400 }), (options, t) => {
        const restarting = cosineWarmup({ ...options, restart: true });
        const once = cosineWarmup(options);
        expect(restarting(t)).toBe(once(t % options.total));
        const long = longCosine({
          peak: options.peak,
          generations: 1,
          epochsPerGeneration: options.total,
          warmup: options.warmup,
        });
        const { final: _final, ...rest } = options;
        expect(long(t)).toBe(cosineWarmup({ ...rest, rise: 'toPeak' })(t));
      }),
    );
  });

  it('polynomial falls from initial to final; power 1 is a line', () => {
    fc.assert(
      fc.property(shape, fc.double({ min: 0.1, max: 4, noNaN: true }), (options, power) => {
        const { peak: initial, final, total } = options;
        const schedule = polynomial({ initial, final, total, power });
        expect(schedule(0)).toBeCloseTo(initial, 12);
        expect(schedule(total)).toBe(final);
        expect(schedule(total + 5)).toBe(final);
        const line = polynomial({ initial, final, total, power: 1 });
        expect(line(total / 2)).toBeCloseTo((initial + final) / 2, 9);
        for (let t = 0; t < total; t++) expect(schedule(t + 1)).toBeLessThanOrEqual(schedule(t) * (1 + 1e-12));
      }),
    );
  });

  it('polynomial warms up in a line to the curve', () => {
    const schedule = polynomial({ initial: 1, total: 10, power: 2, warmup: 5 });
    expect([0, 1, 5, 6].map(schedule)).toEqual(
      [0, 0.05, 0.25, (1 - 0.6) ** 2].map((value) => expect.closeTo(value, 12)),
    );
  });

  it('stepDecay multiplies once per milestone', () => {
    const schedule = stepDecay({ initial: 8, milestones: [2, 4, 4, 7], factor: 0.5 });
    expect([0, 1, 2, 3, 4, 6, 7, 100].map(schedule)).toEqual([8, 8, 4, 4, 1, 1, 0.5, 0.5]);
    const published = stepDecay({ initial: 0.1, total: 160 });
    expect([0, 79, 80, 119, 120, 200].map(published)).toEqual([0.1, 0.1, 0.01, 0.01, 0.001, 0.001]);
    expect(stepDecay({ initial: 1, milestones: [1], factor: 0 })(1)).toBe(0);
  });

  it('a warm-up of one step is the peak', () => {
    for (const rise of ['fromZero', 'toPeak'] as const) {
      expect(cosineWarmup({ peak: 3, total: 5, warmup: 1, rise })(0)).toBe(3);
    }
  });
});

describe('bad input', () => {
  it('is named', () => {
    expect(() => cosineWarmup({ peak: Number.NaN, total: 5 })).toThrow('cosineWarmup: peak must be a finite number');
    expect(() => cosineWarmup({ peak: 1, total: 0 })).toThrow('cosineWarmup: total must be');
    expect(() => cosineWarmup({ peak: 1, total: 5, warmup: 5 })).toThrow(
      'cosineWarmup: warmup must be less than total (5), received 5.',
    );
    expect(() => cosineWarmup({ peak: 1, total: 5 })(-1)).toThrow('cosineWarmup: time must be');
    expect(() => longCosine({ peak: 1, generations: 0, epochsPerGeneration: 5 })).toThrow('longCosine: generations');
    expect(() => longCosine({ peak: 1, generations: 2, epochsPerGeneration: 5, warmup: 6 })).toThrow('warmup');
    expect(() => stepDecay({ initial: 1 })).toThrow('stepDecay: milestones must be given if total is not');
    expect(() => stepDecay({ initial: 1, total: 5, milestones: [1] })).toThrow('stepDecay: milestones');
    expect(() => stepDecay({ initial: 1, milestones: [3, 2] })).toThrow('stepDecay: milestones[1]');
    expect(() => polynomial({ initial: 1, total: 5, warmup: 6 })).toThrow('polynomial: warmup');
    expect(() => polynomial({ initial: 1, total: 5, power: -1 })).toThrow('polynomial: power');
  });
});
