import { type Tensor, tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { argumentError } from '../core/checks.js';
import { type Layer, type ModelWeight, modelLayers, modelWeights } from '../core/model_weights.js';
import { type Numbers, resampleKernel, resamplePositions } from './resampling.js';
import { type FileTensor, readSafetensors } from './safetensors.js';
import { timmNames, type WeightNames, type WeightSource } from './weight_names.js';

/** What {@link importWeights} did, by names. */
export interface ImportReport {
  /** Weights of the model, `layer/name`, that got their values from the file. */
  readonly imported: readonly string[];
  /** Those among them that were resampled. */
  readonly resampled: readonly string[];
  /** Weights of the model that the file does not have: they are as they were. */
  readonly missing: readonly string[];
  /** Tensors of the file that no weight took. */
  readonly unused: readonly string[];
}

/**
 * Gives a model the weights of a PyTorch model from a file of the safetensors format.
 *
 * Takes the model, the bytes of the file, and where each weight is in it (default {@link timmNames}: timm's vision
 * transformers and the authors' checkpoints of Token Cropr). Torch's layout is turned into that of tfjs: kernels of linear
 * maps `[out, in]` and of convolutions `[out, in, height, width]` are transposed, packed queries, keys and values taken
 * apart or joined. A {@link PatchEmbedding} of another image size gets its positions resampled from a square grid
 * (bicubic, smoothed), one of another patch size its kernel (FlexiViT), as timm does it. float16 and bfloat16 become
 * float32.
 *
 * Either all of it is done or nothing: a tensor of the wrong shape throws before the first weight changes. What is missing
 * is not an error but in the report; look at it. To leave a weight as it is (the head, for other classes), let the names
 * return `[]` for it. Import into the model with aux heads, then strip them: queries are folded there.
 *
 * @throws If the file is no valid safetensors file (see {@link readSafetensors}), or a tensor's shape does not fit.
 *
 * @example
 * ```ts
 * import { importWeights, timmNames, visionTransformer } from 'tfjs-llf';
 *
 * const model = visionTransformer({ imageSize: 32, channels: 3, patchSize: 8, dim: 8, depth: 2, heads: 2, classes: 5 });
 * const header = new TextEncoder().encode('{"cls_token":{"dtype":"BF16","shape":[1,1,8],"data_offsets":[0,16]}}');
 * const file = new Uint8Array(8 + header.length + 16); // in earnest: the bytes of model.safetensors
 * file[0] = header.length;
 * file.set(header, 8);
 * const withoutHead = (weight: string) => (weight.startsWith('head/') ? [] : timmNames(weight));
 * const { imported, missing } = importWeights(model, file, withoutHead);
 * if (imported.join() !== 'embed/classToken' || missing.length === 0) throw new Error('the file has one weight');
 * ```
 */
export function importWeights(
  model: LayersModel,
  file: ArrayBuffer | Uint8Array,
  names: WeightNames = timmNames,
): ImportReport {
  const tensors = readSafetensors(file);
  const unused = new Set(tensors.keys());
  const report = { imported: [] as string[], resampled: [] as string[], missing: [] as string[] };
  const planned: [Variable, Float32Array][] = [];
  const layers = new Map(modelLayers(model).map(({ name, layer }) => [name, layer]));
  for (const weight of modelWeights(model)) {
    const { key, variable } = weight;
    const source = names(key).find((one) => one.names.length > 0 && one.names.every((name) => tensors.has(name)));
    if (source === undefined) {
      report.missing.push(key);
      continue;
    }
    const raw = ourLayout(weight, collect(tensors, source));
    const fitted = sameShape(raw, variable.shape) ? raw : resample(layers.get(weight.layer), weight, raw);
    if (!sameShape(fitted, variable.shape))
      throw argumentError(
        'importWeights',
        `"${source.names.join('", "')}" for ${key}`,
        `of shape [${variable.shape}] in the layout of tfjs`,
        raw.shape,
      );
    if (fitted !== raw) report.resampled.push(key);
    report.imported.push(key);
    planned.push([variable, fitted.values]);
    for (const name of source.names) unused.delete(name);
  }
  for (const [variable, values] of planned) tidy(() => variable.assign(tensor(values, variable.shape) as Tensor));
  return { ...report, unused: [...unused] };
}

/** Whether numbers, all of them, have this shape. */
function sameShape({ shape, values }: Numbers, wanted: readonly number[]): boolean {
  return shape.join() === wanted.join() && values.length === wanted.reduce((product, side) => product * side, 1);
}

/** The numbers of a source, in torch's layout. What does not fit together has fewer or more numbers than its shape says. */
function collect(
  tensors: ReadonlyMap<string, FileTensor>,
  { names, part: [index, count] = [0, 1] }: WeightSource,
): Numbers {
  const found = names.map((name) => tensors.get(name) as FileTensor);
  const shape = (found[0] as FileTensor).shape;
  const pieces = found.map(({ read }) => read());
  if (found.length === 1 && count === 1) return { shape, values: pieces[0] as Float32Array };
  const all = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let filled = 0;
  for (const piece of pieces) {
    all.set(piece, filled);
    filled += piece.length;
  }
  const rows = found.reduce((sum, { shape: [side = 0] }) => sum + side, 0);
  const length = filled / count;
  return { shape: [rows / count, ...shape.slice(1)], values: all.slice(index * length, (index + 1) * length) };
}

/** Torch's layout as that of tfjs. */
function ourLayout({ name, variable }: ModelWeight, { shape, values }: Numbers): Numbers {
  if (!/kernel$/i.test(name)) {
    // Queries have a leading axis there, for example.
    const short = shape.length > variable.rank && shape[0] === 1 ? shape.slice(1) : shape;
    return { shape: short, values };
  }
  const [out = 1, ...rest] = shape;
  if (shape.length === 2) return transposedNumbers({ shape: [out, 1, rest[0] as number], values }, 2);
  const [channels = 1, ...sides] = rest;
  const inner = sides.reduce((product, side) => product * side, 1);
  const turned = transposedNumbers({ shape: [out, channels, inner], values }, 3);
  return { shape: [...sides, channels, out], values: turned.values };
}

/** `[a, b, c]` → `[c, b, a]`, or for rank 2 without the middle. */
function transposedNumbers({ shape, values }: Numbers, rank: 2 | 3): Numbers {
  const [a, b, c] = shape as [number, number, number];
  const turned = new Float32Array(values.length);
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++)
      for (let k = 0; k < c; k++) turned[(k * b + j) * a + i] = values[(i * b + j) * c + k] as number;
  return { shape: rank === 2 ? [c, a] : [c, b, a], values: turned };
}

/**
 * Positions and kernel of a {@link PatchEmbedding} at the size that the layer has; other weights as they are. (The class is
 * known by its name: who imports weights need not ship it.)
 */
function resample(layer: Layer | undefined, { name, variable }: ModelWeight, given: Numbers): Numbers {
  if (layer?.getClassName() !== 'LLFPatchEmbedding') return given;
  const side = layer.getConfig()['patchSize'] as number;
  if (name === 'kernel' && given.shape.length === 4) return resampleKernel(given, side);
  if (name !== 'positions' || given.shape.length !== variable.rank) return given;
  const [, height, width] = (layer.getInputAt(0) as SymbolicTensor).shape as [null, number, number];
  return resamplePositions(given, height / side, width / side) ?? given;
}
