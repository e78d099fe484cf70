/** What a model makes of held-back digits, and how fast. */
import type * as tf from '@tensorflow/tfjs';
import { measure, processorTime, summarize, throughput, throughputRatio, timingOf } from '../../bench/harness.js';

/** Images per forward pass. */
const BATCH = 100;

/** The logits `[n, classes]` of a model with one output, row by row. */
export async function predict(model: tf.LayersModel, images: tf.Tensor): Promise<Float32Array> {
  const logits = model.predict(images, { batchSize: BATCH }) as tf.Tensor;
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}

/** The class with the highest logit in each of `count` rows. */
export function classesOf(logits: Float32Array, count: number): number[] {
  const classes = logits.length / count;
  return Array.from({ length: count }, (_, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}

/** Share of right answers, in per cent. */
export function accuracy(logits: Float32Array, labels: Uint8Array): number {
  const right = classesOf(logits, labels.length).filter((answer, i) => answer === labels[i]);
  return (100 * right.length) / labels.length;
}

/** Whether two arrays hold the same bits: unlike `===`, this tells 0 from -0 and takes NaN for itself. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = (values: Float32Array): Uint8Array =>
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.compare(bytes(a), bytes(b)) === 0;
}

/** Speeds of two models, measured in turns. */
export interface Speeds {
  /** Images per second of processor time, medians over the rounds. */
  first: number;
  second: number;
  /** Second over first, taken within each round; median. */
  ratio: number;
}

/**
 * Times two models on the same images, after a warm-up and in turns, as `bench/README.md` asks for; by the processor's
 * clock, since other programs on a busy machine would blur a difference this small.
 */
export async function compareSpeed(
  first: tf.LayersModel,
  second: tf.LayersModel,
  images: tf.Tensor,
  rounds = 9,
): Promise<Speeds> {
  const items = images.shape[0] as number;
  const cases = Object.entries({ first, second }).map(([name, model]) => ({
    name,
    items,
    run: () => predict(model, images),
  }));
  const timings = await measure(cases, { rounds, timer: processorTime });
  const rate = (name: string): number => summarize(throughput(timingOf(timings, name))).median;
  const ratio = throughputRatio(timingOf(timings, 'second'), timingOf(timings, 'first')).median;
  return { first: rate('first'), second: rate('second'), ratio };
}
