import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  measure,
  processorTime,
  quantile,
  report,
  sequence,
  summarize,
  type Timing,
  table,
  throughputRatio,
  timingOf,
} from '../../bench/harness.js';

const times = fc.array(fc.double({ min: 0.1, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 20 });

function timing(name: string, milliseconds: number[], items = 1): Timing {
  return { name, items, milliseconds };
}

/** Cases on a clock that only they move: each run of case i takes `costs[i]`, times what `slowdown` says of the run. */
function simulated(costs: readonly number[], slowdown: (run: number) => number = () => 1) {
  let now = 0;
  let runs = 0;
  const log: string[] = [];
  const cases = costs.map((cost, i) => ({
    name: `case ${i}`,
    items: 1,
    run: () => {
      now += cost * slowdown(runs++);
      log.push(`case ${i}`);
    },
  }));
  return { cases, clock: () => now, log };
}

describe('statistics', () => {
  it('has the quartiles of known lists', () => {
    expect(summarize([5, 1, 3, 2, 4])).toEqual({ median: 3, low: 2, high: 4 });
    expect(summarize([4, 1])).toEqual({ median: 2.5, low: 1.75, high: 3.25 });
    expect(summarize([7])).toEqual({ median: 7, low: 7, high: 7 });
    expect(summarize([]).median).toBeNaN();
  });

  it('does not depend on the order, and lies between the extremes', () => {
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const found = quantile(values, q);
        expect(quantile([...values].reverse(), q)).toBe(found);
        expect(found).toBeGreaterThanOrEqual(Math.min(...values) * (1 - 1e-12));
        expect(found).toBeLessThanOrEqual(Math.max(...values) * (1 + 1e-12));
      }),
    );
  });

  it('leaves its argument as it was', () => {
    const values = [3, 1, 2];
    quantile(values, 0.5);
    expect(values).toEqual([3, 1, 2]);
  });

  it('rises with the share', () => {
    fc.assert(
      fc.property(times, (values) => {
        const { low, median, high } = summarize(values);
        expect(low).toBeLessThanOrEqual(median);
        expect(median).toBeLessThanOrEqual(high);
      }),
    );
  });
});

describe('throughputRatio', () => {
  it('is above 1 for the faster case and counts the items', () => {
    expect(throughputRatio(timing('a', [50, 50]), timing('b', [100, 100])).median).toBe(2);
    expect(throughputRatio(timing('a', [50], 1), timing('b', [100], 8)).median).toBe(0.25);
  });

  it('is not moved by what slows a whole round', () => {
    fc.assert(
      fc.property(times, fc.double({ min: 0.5, max: 2, noNaN: true }), (rounds, factor) => {
        const rival = timing('rival', rounds);
        const own = timing(
          'own',
          rounds.map((time) => time * factor),
        );
        const { low, high } = throughputRatio(own, rival);
        expect(low * factor).toBeCloseTo(1, 9);
        expect(high * factor).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('measure', () => {
  it('runs every case once per round, and leaves the warm-up out', async () => {
    const { cases, clock, log } = simulated([10, 20, 30]);
    const timings = await measure(cases, { warmUp: 2, rounds: 4, clock });
    expect(log.length).toBe((2 + 4) * 3);
    expect(timings.map(({ milliseconds }) => milliseconds)).toEqual([
      [10, 10, 10, 10],
      [20, 20, 20, 20],
      [30, 30, 30, 30],
    ]);
  });

  it('prepares before every run and leaves that out of the times', async () => {
    const { cases, clock, log } = simulated([10, 20]);
    let now = 0;
    const prepared = cases.map((one) => ({
      ...one,
      prepare: () => {
        now += 1000;
        log.push('prepare');
      },
    }));
    const timings = await measure(prepared, { warmUp: 1, rounds: 2, clock: () => clock() + now });
    expect(log.map((entry) => entry.slice(0, 4))).toEqual(Array.from({ length: 6 }, () => ['prep', 'case']).flat());
    expect(timings.map(({ milliseconds }) => milliseconds)).toEqual([
      [10, 10],
      [20, 20],
    ]);
  });

  it('measures the true ratio where every second round takes twice as long', async () => {
    const { cases, clock } = simulated([10, 20], (run) => (Math.floor(run / 2) % 2 === 0 ? 1 : 2));
    const [fast, slow] = (await measure(cases, { warmUp: 0, rounds: 6, clock })) as [Timing, Timing];
    expect(new Set(fast.milliseconds)).toEqual(new Set([10, 20]));
    expect(throughputRatio(fast, slow)).toEqual({ median: 2, low: 2, high: 2 });
  });

  it('goes on until the time is over, by whole rounds, but never below the fewest', async () => {
    const short = simulated([400, 600]);
    const timings = await measure(short.cases, { warmUp: 1, rounds: 2, seconds: 4.5, clock: short.clock });
    expect(timings.map(({ milliseconds }) => milliseconds.length)).toEqual([5, 5]);
    const long = simulated([4000, 6000]);
    const few = await measure(long.cases, { warmUp: 0, rounds: 3, seconds: 1, clock: long.clock });
    expect(few.map(({ milliseconds }) => milliseconds.length)).toEqual([3, 3]);
  });

  it('stops by the clock and measures by the timer', async () => {
    const { cases, clock } = simulated([400, 600]);
    const timer = () => clock() / 10;
    const timings = await measure(cases, { warmUp: 0, rounds: 1, seconds: 1.5, clock, timer });
    expect(timings.map(({ milliseconds }) => milliseconds)).toEqual([
      [40, 40],
      [60, 60],
    ]);
  });

  it('knows the time that the processor worked: waiting takes none, work does', async () => {
    const begin = processorTime();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const waited = processorTime() - begin;
    for (let start = processorTime(); processorTime() - start < 50; ) Math.hypot(start, 1);
    expect(waited).toBeLessThan(150);
    expect(processorTime() - begin).toBeGreaterThanOrEqual(50);
  });

  it('waits for runs that take their time', async () => {
    let open = 0;
    const run = async () => {
      expect(open++).toBe(0);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
    };
    const cases = ['a', 'b'].map((name) => ({ name, items: 1, run }));
    await measure(cases, { rounds: 2 });
    expect(open).toBe(0);
  });

  it('passes on what a case throws', async () => {
    const broken = { name: 'broken', items: 1, run: () => Promise.reject(new Error('no kernel')) };
    await expect(measure([broken])).rejects.toThrow('no kernel');
  });
});

describe('sequence', () => {
  it('names every case once, and gives each every place', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), (count) => {
        const rounds = Array.from({ length: 2 * count }, (_, round) => sequence(count, round));
        for (const order of rounds) expect([...order].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
        for (let place = 0; place < count; place++)
          expect(new Set(rounds.map((order) => order[place])).size).toBe(count);
      }),
    );
  });

  it('has every case before and after each of its neighbours', () => {
    const pairs = [0, 1].map((round) => sequence(3, round).join());
    expect(pairs).toEqual(['0,1,2', '2,1,0']);
  });
});

describe('report', () => {
  const timings = [timing('ours', [100, 200, 300], 2), timing('theirs', [200, 400, 600], 2)];

  it('puts ratios first', () => {
    const lines = report(timings, [['ours', 'theirs']]).split('\n');
    expect(lines[0]).toContain('throughput ratio');
    expect(lines[2]).toBe('| ours / theirs    |  2.000 | 2.000 to 2.000 |');
    expect(lines[6]).toBe('| ours   |    10.00 | 8.33 to 15.00 | 200 |');
  });

  it('rejects a name that was not measured', () => {
    expect(() => report(timings, [['ours', 'nobody']])).toThrow('timingOf: name must be that of a case');
    expect(timingOf(timings, 'theirs')).toBe(timings[1]);
  });

  it('makes columns of one width', () => {
    const lines = table([
      ['a', 'number'],
      ['longer', '1'],
    ]).split('\n');
    expect(lines).toEqual(['| a      | number |', '| ------ | -----: |', '| longer |      1 |']);
  });
});
