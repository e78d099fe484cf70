import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import type { ModelWeight } from '../../src/core/model_weights.js';
import { weightsByName } from '../contract/layer_runs.js';

/** An array as the fixtures hold it: integers plainly, float32 as the base64 of its little-endian bytes. */
export interface Recorded {
  shape: number[];
  float32?: string;
  int32?: number[];
}

/** Recorded arrays by name. */
export type RecordedGroup = Readonly<Record<string, Recorded>>;

/** Numbers and their shape, apart from any backend. */
export interface NumberArray {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

export function decode({ shape, float32, int32 }: Recorded): NumberArray {
  if (int32) return { shape, values: int32 };
  const bytes = Uint8Array.from(atob(float32 ?? ''), (character) => character.charCodeAt(0));
  return { shape, values: new Float32Array(bytes.buffer) };
}

/** The recorded array of this name as a tensor. */
export function recorded(group: RecordedGroup, name: string): tf.Tensor {
  const array = group[name];
  if (!array) throw new Error(`The fixture has no "${name}".`);
  return toTensor(decode(array), array.int32 ? 'int32' : 'float32');
}

export function toTensor({ shape, values }: NumberArray, dtype: 'float32' | 'int32' = 'float32'): tf.Tensor {
  return tf.tensor(dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values), [...shape], dtype);
}

/** Axis i of the result is axis `axes[i]` of the input. */
export function permuteAxes({ shape, values }: NumberArray, axes: readonly number[]): NumberArray {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, length) => product * length, 1));
  const target = axes.map((axis) => shape[axis] as number);
  const moved = Float32Array.from({ length: values.length }, (_, place) => {
    let rest = place;
    let source = 0;
    for (let i = target.length - 1; i >= 0; i--) {
      const length = target[i] as number;
      source += (rest % length) * (strides[axes[i] as number] as number);
      rest = Math.floor(rest / length);
    }
    return values[source] as number;
  });
  return { shape: target, values: moved };
}

/** Images `[B, C, H, W]` as tfjs wants them. */
export function channelsLast(images: NumberArray): NumberArray {
  return permuteAxes(images, images.shape.length === 5 ? [0, 1, 3, 4, 2] : [0, 2, 3, 1]);
}

const NORM: Readonly<Record<string, string>> = { weight: 'Gamma', bias: 'Beta' };
const LINEAR: Readonly<Record<string, string>> = { weight: 'Kernel', bias: 'Bias' };

/** Ours for the name of a Cropr module's weight, with `router` and `aux` as layers. */
function moduleKey(name: string): string {
  const parts = name.replace(/^cross_attn\./, '').split('.');
  const kind = parts.at(-1) as string;
  switch (parts.slice(0, -1).join('.')) {
    case '':
      return 'router/queries';
    case 'q':
      return 'router/queryKernel';
    case 'k':
      return 'router/keyKernel';
    case 'attn_norm':
      return `router/${NORM[kind]?.toLowerCase()}`;
    case 'v':
      return 'aux/valueKernel';
    case 'proj':
      return `aux/proj${LINEAR[kind]}`;
    case 'mlp_norm':
      return `aux/mlp${NORM[kind]}`;
    case 'mlp.fc1':
      return `aux/fc1${LINEAR[kind]}`;
    case 'mlp.fc2':
      return `aux/fc2${LINEAR[kind]}`;
    case 'head.norm':
      return `aux/head${NORM[kind]}`;
    case 'head.head':
      return `aux/head${LINEAR[kind]}`;
    default:
      throw new Error(`No weight of ours answers to "${name}".`);
  }
}

/** Ours for the parts that only blocks of EVA-02 have. */
const EVA: Readonly<Record<string, string>> = {
  q_proj: 'query',
  k_proj: 'key',
  v_proj: 'value',
  fc1_g: 'gate',
  fc1_x: 'fc1',
};

/** Ours for the name of a backbone's weight. */
function backboneKey(name: string): string {
  const [, block, part, kind] = /^blocks\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  if (block !== undefined && part !== undefined && kind !== undefined) {
    const norm = { norm1: 'attn', norm2: 'mlp', 'mlp.norm': 'inner' }[part];
    const short = part.slice(part.indexOf('.') + 1);
    return `block_${block}/${norm ?? EVA[short] ?? short}${(norm ? NORM : LINEAR)[kind]}`;
  }
  const other: Readonly<Record<string, string>> = {
    cls_token: 'embed/classToken',
    pos_embed: 'embed/positions',
    'patch_embed.proj.weight': 'embed/kernel',
    'patch_embed.proj.bias': 'embed/bias',
    'fc_norm.weight': 'head/gamma',
    'fc_norm.bias': 'head/beta',
    'head.weight': 'head/kernel',
    'head.bias': 'head/bias',
  };
  const key = other[name];
  if (key === undefined) throw new Error(`No weight of ours answers to "${name}".`);
  return key;
}

/** `layer/weight` for a name of the official state dict, of a single module (no prefix) or of a whole ViT. */
export function ourKey(name: string, single = false): string {
  if (single) return moduleKey(name);
  const [, index, rest] = /^cropr\.(\d+)\.(.+)$/.exec(name) ?? [];
  return rest === undefined ? backboneKey(name) : moduleKey(rest).replace('/', `_${index}/`);
}

/** A weight, or its gradient, in our layout. */
function ourLayout(name: string, array: NumberArray): NumberArray {
  if (name.endsWith('queries')) return { shape: array.shape.slice(1), values: array.values };
  if (array.shape.length === 4) return permuteAxes(array, [2, 3, 1, 0]);
  return array.shape.length === 2 ? permuteAxes(array, [1, 0]) : array;
}

/** A recorded group of weights or gradients under our names and in our layout. */
export function ourWeights(group: RecordedGroup, single = false): Map<string, NumberArray> {
  return new Map(
    Object.entries(group).map(([name, array]) => [ourKey(name, single), ourLayout(name, decode(array))] as const),
  );
}

/** The weights of built layers under `layer/weight`. */
export function weightsOf(layers: readonly tf.layers.Layer[]): ModelWeight[] {
  return layers.flatMap(weightsByName);
}

/** Gives all weights their recorded values: none may be missing on either side. */
export function assignWeights(weights: readonly ModelWeight[], values: ReadonlyMap<string, NumberArray>): void {
  expect(weights.map(({ key }) => key).sort()).toEqual([...values.keys()].sort());
  for (const { key, variable } of weights) {
    const value = values.get(key) as NumberArray;
    expect(variable.shape, key).toEqual(value.shape);
    tf.tidy(() => variable.assign(toTensor(value)));
  }
}

/** Loss and gradients by `layer/weight`; null where the loss does not depend on the weight. */
export function gradientsOf(
  loss: () => tf.Tensor,
  weights: readonly ModelWeight[],
): { value: number; gradients: Map<string, tf.Tensor | null> } {
  const { value, grads } = tf.variableGrads(
    () => loss().asScalar(),
    weights.map(({ variable }) => variable),
  );
  const gradients = new Map(weights.map(({ key, variable }) => [key, grads[variable.name] ?? null]));
  return { value: value.dataSync()[0] as number, gradients };
}

/** Absolute tolerance of the recorded numbers, forward and gradients, on every backend. */
export const TOLERANCE = 1e-5;

/** Largest absolute difference; NaN if either side has one where the other has not. */
export function largestError(received: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [received[i] as number, expected[i] as number];
    const error = a === b ? 0 : Math.abs(a - b);
    if (!(error <= largest)) largest = error;
    if (Number.isNaN(largest)) break;
  }
  return largest;
}

/** Same shape, and no number further than the tolerance from the recorded one. */
export function expectNear(
  received: tf.Tensor | null | undefined,
  expected: NumberArray,
  tolerance: number,
  what: string,
): void {
  expect(received?.shape, what).toEqual(expected.shape);
  expect(largestError(received?.dataSync() ?? [], expected.values), what).toBeLessThanOrEqual(tolerance);
}

/** Not connected, or exactly zero everywhere. */
export function expectNoGradient(gradient: tf.Tensor | null | undefined, what: string): void {
  expect(
    Array.from(gradient?.dataSync() ?? []).filter((value) => value !== 0),
    what,
  ).toEqual([]);
}
