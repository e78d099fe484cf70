/** The local Laplacian filter: our WASM kernels against composed operations of stock tfjs and a plain TypeScript loop. */
import * as tf from '@tensorflow/tfjs';
import { localLaplacian } from 'tfjs-llf';
import { type Acceleration, accelerateCpu } from 'tfjs-llf/kernels';
import { type BenchCase, measure, quantile, table, timingOf } from './harness.js';
import { measuredIn, useWasm } from './models.js';
import { plainLocalLaplacian } from './rivals/llf_plain.js';
import { accelerated, figure, printReport, requireAgreement, stock } from './wasm_kernels.js';

const REMAP = { sigma: 0.15, alpha: 0.8, beta: 0.9 };
/** What is computed, but for its size. */
type Kind = { readonly pyramid?: 'paris' | 'lin'; readonly remap?: 'gauss' | 'paris' };
const SIZES = [256, 512, 1024, 2048];
const SAMPLES = [8, 16];
/** Composed operations and plain loops take seconds beyond: there only our own cost is of interest. */
const RIVALS_UP_TO = 1024;
const smoke = process.argv.includes('--smoke');

/** A picture with edges, fine texture and noise, values in [0, 1]. */
function picture(size: number): Float32Array {
  const noise = tf.randomUniform([size * size], -0.02, 0.02, 'float32', 1).dataSync();
  return Float32Array.from({ length: size * size }, (_, i) => {
    const [x, y] = [i % size, Math.floor(i / size)];
    const wave = 0.5 + 0.3 * Math.sin(x / 90) * Math.cos(y / 70) + 0.1 * Math.sin(x / 3 + y / 5);
    return Math.min(1, Math.max(0, wave + (noise[i] as number)));
  });
}

interface Work {
  readonly size: number;
  readonly samples: number;
  readonly values: Float32Array;
  readonly image: tf.Tensor;
}

function forward({ image, samples, size }: Work, kind: Kind = {}): tf.Tensor {
  return localLaplacian(image, { ...REMAP, ...kind, samples, levels: Math.log2(size) - 2 });
}

function gradients(work: Work, kind: Kind = {}): tf.Tensor[] {
  const { image, samples, size } = work;
  const run = (...all: tf.Tensor[]): tf.Tensor => {
    const [x, sigma, alpha, beta] = all as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const result = localLaplacian(x, { ...kind, sigma, alpha, beta, samples, levels: Math.log2(size) - 2 });
    return tf.mean(tf.square(result));
  };
  return tf.grads(run)([image, ...Object.values(REMAP).map((value) => tf.tensor([value]))]);
}

async function read(compute: () => tf.Tensor | tf.Tensor[]): Promise<ArrayLike<number>> {
  const results = tf.tidy(compute);
  const list = Array.isArray(results) ? results : [results];
  const values = await Promise.all(list.map((tensor) => tensor.data()));
  tf.dispose(list);
  return values.at(-1) ?? [];
}

function casesOf(work: Work): BenchCase[] {
  const { size, samples, values } = work;
  const ours = { items: 1, prepare: accelerated };
  const list: BenchCase[] = [
    { ...ours, name: 'kernel', run: () => read(() => forward(work)) },
    { ...ours, name: 'kernel, and gradients', run: () => read(() => gradients(work)) },
  ];
  if (size > RIVALS_UP_TO) return list;
  const setting = { ...REMAP, samples, levels: Math.log2(size) - 2 };
  return [
    ...list,
    { ...ours, name: 'kernel, remap paris', run: () => read(() => forward(work, { remap: 'paris' })) },
    { ...ours, name: 'kernel, remap paris, and gradients', run: () => read(() => gradients(work, { remap: 'paris' })) },
    { name: 'composed', items: 1, prepare: stock, run: () => read(() => forward(work)) },
    { name: 'composed, lin', items: 1, prepare: stock, run: () => read(() => forward(work, { pyramid: 'lin' })) },
    { name: 'composed, and gradients', items: 1, prepare: stock, run: () => read(() => gradients(work)) },
    { name: 'plain TypeScript, lin', items: 1, run: () => plainLocalLaplacian(values, size, size, setting) },
  ];
}

const PAIRS = [
  ['kernel', 'composed'],
  ['kernel', 'composed, lin'],
  ['kernel', 'plain TypeScript, lin'],
  ['kernel, and gradients', 'composed, and gradients'],
  ['kernel', 'kernel, and gradients'],
  ['kernel', 'kernel, remap paris'],
  ['kernel, remap paris', 'kernel, remap paris, and gradients'],
] as const;

/** The loops of `accelerateCpu()` against composed operations on cpu, as `[name, rival]`. */
const CPU_PAIRS = [
  ['cpu loops', 'cpu, composed'],
  ['cpu loops, and gradients', 'cpu, composed, and gradients'],
] as const;

async function onCpu(work: Work): Promise<void> {
  let loops: Acceleration | undefined;
  const fast = async (): Promise<void> => {
    loops ??= await accelerateCpu();
  };
  const composed = (): void => {
    loops?.dispose();
    loops = undefined;
  };
  await tf.setBackend('cpu');
  const timings = await measure(
    [
      { name: 'cpu loops', items: 1, prepare: fast, run: () => read(() => forward(work)) },
      { name: 'cpu loops, and gradients', items: 1, prepare: fast, run: () => read(() => gradients(work)) },
      { name: 'cpu, composed', items: 1, prepare: composed, run: () => read(() => forward(work)) },
      { name: 'cpu, composed, and gradients', items: 1, prepare: composed, run: () => read(() => gradients(work)) },
    ],
    { rounds: smoke ? 2 : 5, ...measuredIn },
  );
  composed();
  printReport(timings, CPU_PAIRS);
}

async function agree(work: Work): Promise<void> {
  const { values, size, samples } = work;
  await accelerated();
  const [ours, lin, slopes] = [
    await read(() => forward(work)),
    await read(() => forward(work, { pyramid: 'lin' })),
    await read(() => gradients(work).slice(0, 1)),
  ];
  await stock();
  requireAgreement([
    ['the kernel', ours],
    ['composed', await read(() => forward(work))],
  ]);
  requireAgreement([
    ['the kernel with lin', lin],
    ['plain TypeScript', plainLocalLaplacian(values, size, size, { ...REMAP, samples, levels: Math.log2(size) - 2 })],
  ]);
  requireAgreement([
    ["the kernel's gradient", slopes],
    ['the composed one', await read(() => gradients(work).slice(0, 1))],
  ]);
}

console.log(await useWasm());
const figures: Record<string, number | null> = {
  forwardMs1MpK8: null,
  forwardOverComposed: null,
  backwardOverForward: null,
};
const cost: string[][] = [];
for (const size of smoke ? [256] : SIZES) {
  for (const samples of SAMPLES) {
    const values = picture(size);
    const work: Work = { size, samples, values, image: tf.tensor(values, [1, size, size, 1]) };
    console.log(`\n${size} x ${size}, K = ${samples}\n`);
    if (size === 256) await agree(work);
    const timings = await measure(casesOf(work), { rounds: smoke ? 2 : 5, seconds: smoke ? 0 : 15, ...measuredIn });
    printReport(timings, PAIRS);
    const median = (name: string): number => quantile(timingOf(timings, name).milliseconds, 0.5);
    const [once, both] = [median('kernel'), median('kernel, and gradients')];
    const perSample = (1e6 * once) / (size * size * samples);
    cost.push([`${size} x ${size}, K = ${samples}`, once.toFixed(1), both.toFixed(1), perSample.toFixed(2)]);
    if (size === 1024 && samples === 8) {
      figures['forwardMs1MpK8'] = Number(once.toFixed(1));
      figures['forwardOverComposed'] = figure(timings, 'kernel', 'composed');
      figures['backwardOverForward'] = figure(timings, 'kernel', 'kernel, and gradients');
    }
    if (size === 256 && samples === 8) await onCpu(work);
    work.image.dispose();
  }
}
console.log(`\n${table([['cost of the kernel', 'ms', 'with gradients', 'ns per pixel and sample'], ...cost])}`);
console.log(`\n${JSON.stringify(figures)}`);
