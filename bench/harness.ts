/** Timing of rivals side by side; the rules are in README.md. */
import { cpus, loadavg } from 'node:os';

/** One thing to time. */
export interface BenchCase {
  name: string;
  /** What one run gets done, in the unit of the throughput (images, say). */
  items: number;
  /** What comes before each run and is not timed, such as a change of the kernels or of the backend. */
  prepare?: () => Promise<unknown> | unknown;
  /** One run, over when the promise is. */
  run: () => Promise<unknown> | unknown;
}

/** The times of a case, one per round, in milliseconds. */
export interface Timing {
  name: string;
  items: number;
  milliseconds: number[];
}

/** How long to measure. */
export interface MeasureOptions {
  /** Runs of each case that are not counted. Default 2. */
  warmUp?: number;
  /** Fewest rounds. Default 5. */
  rounds?: number;
  /** No round begins after so many seconds, once the fewest are done. Default 0. */
  seconds?: number;
  /** Milliseconds since any fixed time, to know when to stop. Default `performance.now`. */
  clock?: () => number;
  /** Milliseconds that the runs are measured in. Default: those of the clock. */
  timer?: () => number;
}

/** Milliseconds that the processor has worked for this process: what others on a busy machine take is not in it. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The share of one processor that a busy loop of this process gets: nearly 1 on an idle machine. */
export function processorShare(milliseconds = 300): number {
  const [begin, worked] = [performance.now(), processorTime()];
  while (performance.now() - begin < milliseconds);
  return (processorTime() - worked) / (performance.now() - begin);
}

/**
 * Times the cases in rounds, each once per round. The sequence shifts by one from round to round and every second round
 * runs backwards, so that no case has a place or a neighbour of its own.
 */
export async function measure(cases: readonly BenchCase[], options: MeasureOptions = {}): Promise<Timing[]> {
  const { warmUp = 2, rounds = 5, seconds = 0, clock = () => performance.now(), timer = clock } = options;
  const timings = cases.map(({ name, items }) => ({ name, items, milliseconds: [] as number[] }));
  for (let i = 0; i < warmUp; i++) {
    for (const { prepare, run } of cases) {
      await prepare?.();
      await run();
    }
  }
  const begin = clock();
  for (let round = 0; round < rounds || clock() - begin < 1000 * seconds; round++) {
    for (const place of sequence(cases.length, round)) {
      await cases[place]?.prepare?.();
      const start = timer();
      await cases[place]?.run();
      timings[place]?.milliseconds.push(timer() - start);
    }
  }
  return timings;
}

/** The cases of a round, as indices. */
export function sequence(count: number, round: number): number[] {
  const shifted = Array.from({ length: count }, (_, i) => (i + Math.floor(round / 2)) % count);
  return round % 2 === 0 ? shifted : shifted.reverse();
}

/** Median and quartiles. */
export interface Summary {
  median: number;
  low: number;
  high: number;
}

/** The value below which the share `q` of the values lies, between neighbours in a line. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const [below = Number.NaN, above = Number.NaN] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

/** Median and quartiles of the values. */
export function summarize(values: readonly number[]): Summary {
  return { median: quantile(values, 0.5), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/** Items per second in each round. */
export function throughput({ items, milliseconds }: Timing): number[] {
  return milliseconds.map((time) => (1000 * items) / time);
}

/** Throughput of a case over that of a rival: the ratio of each round, summarized. What slows a round cancels. */
export function throughputRatio(own: Timing, rival: Timing): Summary {
  const rivals = throughput(rival);
  return summarize(throughput(own).map((rate, round) => rate / (rivals[round] as number)));
}

/** The timing of a name. */
export function timingOf(timings: readonly Timing[], name: string): Timing {
  const found = timings.find((timing) => timing.name === name);
  if (found === undefined) throw new Error(`timingOf: name must be that of a case, received "${name}".`);
  return found;
}

/** Rows of ratios first, then the times they come from. */
export function report(timings: readonly Timing[], pairs: readonly (readonly [string, string])[]): string {
  const ratios = pairs.map(([own, rival]) => {
    const { median, low, high } = throughputRatio(timingOf(timings, own), timingOf(timings, rival));
    return [`${own} / ${rival}`, median.toFixed(3), `${low.toFixed(3)} to ${high.toFixed(3)}`];
  });
  const times = timings.map((timing) => {
    const rate = summarize(throughput(timing));
    const spread = `${rate.low.toFixed(2)} to ${rate.high.toFixed(2)}`;
    return [timing.name, rate.median.toFixed(2), spread, quantile(timing.milliseconds, 0.5).toFixed(0)];
  });
  return [
    table([['throughput ratio', 'median', 'quartiles'], ...ratios]),
    table([['case', 'images/s', 'quartiles', 'ms'], ...times]),
  ].join('\n\n');
}

/** A Markdown table; the first row is the head, the first column text, the others numbers. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, i) => (i === 0 ? (row[i] ?? '').padEnd(width) : (row[i] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), rule, ...body.map(line)].join('\n');
}

/** What the numbers were measured on. */
export function machine(): string {
  const processors = cpus();
  const load = (loadavg()[0] ?? 0).toFixed(1);
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  return `${model}, ${processors.length} cores (load ${load}), ${process.platform}, Node ${process.versions.node}`;
}
