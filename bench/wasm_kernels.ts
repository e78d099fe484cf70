/** Our kernels in and out of the WASM backend, and what every WASM bench checks before it times anything. */
import * as tf from '@tensorflow/tfjs';
import { accelerateWasm, type WasmAcceleration } from 'tfjs-llf/wasm';
import {
  type BenchCase,
  type MeasureOptions,
  measure,
  report,
  type Timing,
  throughputRatio,
  timingOf,
} from './harness.js';
import { measuredIn } from './models.js';

/** Logits and losses of rivals differ by less than this, or nothing is timed. */
const TOLERANCE = 1e-3;

let handle: WasmAcceleration | undefined;

/** Makes WASM with our kernels the backend. */
export async function accelerated(): Promise<WasmAcceleration> {
  await tf.setBackend('wasm');
  handle ??= await accelerateWasm();
  return handle;
}

/** Makes WASM as tfjs ships it the backend. */
export async function stock(): Promise<void> {
  await tf.setBackend('wasm');
  handle?.dispose();
  handle = undefined;
}

/** A figure for the last line: throughput of one case over that of another, null where one of them did not run. */
export function figure(timings: readonly Timing[], own: string, rival: string): number | null {
  if (!ran(timings, own) || !ran(timings, rival)) return null;
  return Number(throughputRatio(timingOf(timings, own), timingOf(timings, rival)).median.toFixed(3));
}

function ran(timings: readonly Timing[], name: string): boolean {
  return timings.some((timing) => timing.name === name);
}

/** Prints how many rounds there were, and the ratios of those pairs that ran. */
export function printReport(timings: readonly Timing[], pairs: readonly (readonly [string, string])[]): void {
  const raced = pairs.filter((pair) => pair.every((name) => ran(timings, name)));
  console.log(`${timings[0]?.milliseconds.length ?? 0} rounds\n\n${report(timings, raced)}`);
}

/** Throws unless all lists hold the same numbers as the first one. */
export function requireAgreement(results: readonly (readonly [string, ArrayLike<number>])[]): void {
  const [[first, expected] = ['', [] as number[]], ...others] = results;
  for (const [name, found] of others) {
    const differences = Array.from(found, (value, i) => Math.abs(value - (expected[i] ?? Number.NaN)));
    const worst = Math.max(...differences);
    if (found.length !== expected.length || !(worst < TOLERANCE))
      throw new Error(`bench: ${name} must compute what ${first} does, received a difference of ${worst}.`);
    console.log(`${name} agrees with ${first}: largest difference ${worst.toExponential(1)}`);
  }
}

/** A rival that trains one model on one batch. */
export interface Trainer {
  name: string;
  prepare?: () => Promise<unknown>;
  /** One step; resolves to the loss before it. */
  step: () => Promise<number>;
}

/** Steps that all trainers take from the same weights and that must agree; they are the warm-up. */
const CHECKED_STEPS = 2;

/**
 * Lets each trainer take its first steps, compares the losses, and times further steps. A trainer that throws in them
 * is left out, and the reason printed.
 */
export async function trainingRace(
  trainers: readonly Trainer[],
  items: number,
  options: MeasureOptions,
): Promise<Timing[]> {
  const cases: BenchCase[] = [];
  const losses: [string, number[]][] = [];
  for (const { name, prepare, step } of trainers) {
    try {
      const first: number[] = [];
      for (let i = 0; i < CHECKED_STEPS; i++) {
        await prepare?.();
        first.push(await step());
      }
      losses.push([name, first]);
      cases.push({ name, items, run: step, ...(prepare && { prepare }) });
    } catch (failure) {
      console.log(`${name} cannot run: ${(failure as Error).message}`);
    }
  }
  console.log(`losses of the first steps: ${losses[0]?.[1].map((loss) => loss.toFixed(4)).join(', ')}`);
  requireAgreement(losses);
  return measure(cases, { warmUp: 0, ...options, ...measuredIn });
}
