import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { requireInteger } from './checks.js';

/** The part of a {@link RandomStream} that layers draw from. */
export interface UniformStream {
  /** A number in [0, 1). */
  uniform(): number;
}

/**
 * Seeded random numbers that are the same on every backend and after every resume: a stream is a pure function of
 * (seed, purpose, index), so nothing has to be saved but the index.
 */
export interface RandomStream extends UniformStream {
  /** A standard normal number. */
  normal(): number;
  /** A whole number in [0, n). */
  integer(n: number): number;
  /** 0 .. n-1 in random order. */
  permutation(n: number): Int32Array;
}

/** 32-bit FNV-1a of a string, mixed so that similar keys give unrelated seeds. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A seed for another generator (a tfjs initializer, say), in [1, 2^31). */
export function deriveSeed(seed: number, purpose: string, index = 0): number {
  return 1 + (hash(`${seed}/${purpose}/${index}`) % 0x7ffffffe);
}

/** As {@link randomStream}; a layer that needs no more ships no more. */
export function uniformStream(seed: number, purpose: string, index = 0): UniformStream {
  const key = `${seed}/${purpose}/${index}`;
  let [a, b, c, d] = [hash(`${key}a`), hash(`${key}b`), hash(`${key}c`), 1];
  // sfc32: 128 bits of state, passes PractRand.
  const next = (): number => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return { uniform: () => next() / 0x1_0000_0000 };
}

/** Two independent standard normal numbers out of two uniform ones (Box and Muller). */
export function normalPair(uniform: () => number): [first: number, second: number] {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
  const angle = 2 * Math.PI * uniform();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/**
 * The stream of random numbers that belongs to (seed, purpose, index): always the same for the same three, unrelated for
 * others.
 *
 * Plain numbers in and out, no tensors. Of use for what has to repeat exactly, as the order of samples: `fit` shuffles
 * with `Math.random`.
 *
 * @example
 * ```ts
 * import { randomStream } from 'tfjs-llf';
 *
 * const order = randomStream(7, 'order of the samples', 3).permutation(10); // the fourth epoch's
 * if (new Set(order).size !== 10) throw new Error('each sample once');
 * ```
 */
export function randomStream(seed: number, purpose: string, index = 0): RandomStream {
  const { uniform } = uniformStream(seed, purpose, index);
  const integer = (n: number): number => Math.floor(uniform() * n);
  let spare: number | undefined;
  return {
    uniform,
    integer,
    normal() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const [first, second] = normalPair(uniform);
      spare = second;
      return first;
    },
    permutation(n) {
      const order = Int32Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = integer(i + 1);
        const swapped = order[i] as number;
        order[i] = order[j] as number;
        order[j] = swapped;
      }
      return order;
    },
  };
}

/** The float32 number before 1: what is nearer to 1 would round to it. */
const BELOW_ONE = 1 - 2 ** -24;

/** A float32 tensor of uniform numbers in [0, 1), drawn in row-major order. */
export function uniformTensor(stream: UniformStream, shape: number[]): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, () => Math.min(stream.uniform(), BELOW_ONE)),
    shape,
  );
}

let globalSeed: number | undefined;
let seedsDrawn = 0;

/**
 * Makes every seed that the library draws for itself reproducible.
 *
 * A layer or callback that gets no `seed` of its own draws one when it is constructed and keeps it in its config. After
 * `setSeed(n)` those draws are a fixed sequence. `setSeed(undefined)` returns to fresh ones.
 *
 * It does not touch `Math.random`, which tfjs uses for its own initializers and to shuffle in `fit`: pass `shuffle:
 * false` there and shuffle with a seed of your own.
 *
 * @throws If `seed` is neither an integer nor `undefined`.
 *
 * @example
 * ```ts
 * import { setSeed, visionTransformer } from 'tfjs-llf';
 *
 * setSeed(7);
 * const model = visionTransformer({ imageSize: 28, channels: 1, patchSize: 7, dim: 16, depth: 2, heads: 2, classes: 10 });
 * ```
 */
export function setSeed(seed: number | undefined): void {
  globalSeed = seed === undefined ? undefined : requireInteger('setSeed', 'seed', seed);
  seedsDrawn = 0;
}

/** The `seed` of `owner` if given, else the next seed of the global sequence, else a fresh one. */
export function resolveSeed(seed: number | undefined, owner: string): number {
  if (seed !== undefined) return requireInteger(owner, 'seed', seed);
  if (globalSeed === undefined) return 1 + Math.floor(Math.random() * 0x7ffffffe);
  return deriveSeed(globalSeed, owner, seedsDrawn++);
}
