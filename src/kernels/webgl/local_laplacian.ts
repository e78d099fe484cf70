import type { KernelFunc, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { Pyramid } from '../../local-laplacian/pyramid_operators.js';
import { levelSizes, type Size } from '../../local-laplacian/size.js';
import { ProgramRun, reshaped, type WebGLBackend } from './backend.js';
import type { Shading } from './programs.js';
import * as programs from './programs.js';
import type { RemapName } from './remap_code.js';

/** A call of one of the two kernels. */
interface FilterCall {
  readonly backend: WebGLBackend;
  readonly run: ProgramRun;
  readonly shading: Shading;
  /** Height and width of each level; further ones than those of one pixel change nothing. */
  readonly sizes: readonly Size[];
  /** Whether the remap function makes the band of a level. */
  readonly makes: (level: number) => boolean;
  /** The levels `[1, last]` of the remapped images are needed. */
  readonly last: number;
  readonly image: TensorInfo;
  readonly gain: TensorInfo;
  readonly parameters: readonly TensorInfo[];
}

type Call = Parameters<KernelFunc>[0];

function flat(x: TensorInfo): TensorInfo {
  return reshaped(x, [x.shape.reduce((size, length) => size * length, 1)]);
}

function inputOf(inputs: NamedTensorInfoMap, name: string): TensorInfo {
  const input = inputs[name];
  if (input?.dtype !== 'float32')
    throw new Error(`accelerateWebgl: kernel must be given "${name}" of float32, received ${input?.dtype}.`);
  return input;
}

function callOf({ inputs, attrs = {}, backend }: Call): FilterCall {
  const { levels = 1, samples = 2, from = 0, to = 0, low = 0, high = 1 } = attrs as Record<string, number>;
  const image = inputOf(inputs, 'image');
  const [batch = 0, height = 0, width = 0] = image.shape;
  const sizes = levelSizes([height, width], levels);
  const end = Math.min(to, sizes.length - 1);
  const { pyramid, remap } = attrs as NamedAttrMap as { pyramid: Pyramid; remap: RemapName };
  const names = remap === 'table' ? ['a'] : ['a', 'b', 'c'];
  const parameters = names.map((name) => inputOf(inputs, name));
  const nodes = flat(parameters[0] as TensorInfo).shape[0] as number;
  return {
    backend: backend as WebGLBackend,
    run: new ProgramRun(backend as WebGLBackend, [low, high]),
    shading: { batch, samples, pyramid, remap, nodes },
    sizes,
    makes: (level) => level >= from && level < end,
    last: from < end ? end : 0,
    image,
    gain: flat(inputOf(inputs, 'gain')),
    parameters,
  };
}

/** The local means of all levels, the image first. */
function meansOf({ run, shading, sizes, image }: FilterCall): TensorInfo[] {
  const means = [image];
  sizes.slice(1).forEach((size, l) => {
    means.push(run.run(programs.halve(shading, sizes[l] as Size, size, 1), [means[l] as TensorInfo]));
  });
  return means;
}

/** The levels of all remapped images, but for level 0: that is made wherever it is read. */
function remappedLevels({ run, shading, sizes, image, parameters, last }: FilterCall): TensorInfo[] {
  const levels: TensorInfo[] = [];
  for (let l = 1; l <= last; l++) {
    const [fine, coarse] = [sizes[l - 1], sizes[l]] as [Size, Size];
    levels[l] =
      l === 1
        ? run.run(programs.remapAndHalve(shading, fine, coarse), [image, ...parameters.map(flat)])
        : run.run(programs.halve(shading, fine, coarse, shading.samples), [levels[l - 1] as TensorInfo]);
  }
  return levels;
}

/** What the band of a level is made of. */
function bandInputs(
  call: FilterCall,
  means: readonly TensorInfo[],
  levels: readonly TensorInfo[],
  l: number,
): TensorInfo[] {
  const own = l === 0 ? call.parameters.map(flat) : [levels[l] as TensorInfo];
  return [means[l] as TensorInfo, ...own, levels[l + 1] as TensorInfo];
}

/**
 * `LLFLocalLaplacian` with shaders: the image, and with the attribute `rises` itself once more, since the gradient makes
 * again what it needs. Of a remapped image no level 0 exists, and all samples are worked on together, as channels.
 */
export const localLaplacian: KernelFunc = (params) => {
  const call = callOf(params);
  const { run, shading, sizes, image, gain, backend } = call;
  const top = sizes.length - 1;
  const means = meansOf(call);
  const levels = remappedLevels(call);
  let output = run.run(programs.product(shading, sizes[top] as Size, true), [means[top] as TensorInfo, gain]);
  for (let l = top - 1; l >= 0; l--) {
    const size = sizes[l] as Size;
    output = call.makes(l)
      ? run.run(programs.raiseAndAdd(shading, size, l === 0), [...bandInputs(call, means, levels, l), output])
      : run.run(programs.raise(shading, size), [output]);
  }
  run.finish([output]);
  if (!params.attrs?.['rises']) return output;
  backend.incRef(image.dataId);
  return [output, reshaped(image, image.shape)];
};

/** Gradients of the levels of the output: `dy` and its adjoints of doubling. */
function outputGradients({ run, shading, sizes }: FilterCall, dy: TensorInfo): TensorInfo[] {
  const gradients = [dy];
  sizes.slice(1).forEach((size, l) => {
    gradients.push(run.run(programs.lower(shading, sizes[l] as Size, size), [gradients[l] as TensorInfo]));
  });
  return gradients;
}

/** The gradient of the remapped images themselves. */
function remappedGradient(call: FilterCall, means: readonly TensorInfo[], dOutput: readonly TensorInfo[]): TensorInfo {
  const { run, shading, sizes, makes, last } = call;
  let gradient: TensorInfo | undefined;
  for (let l = last; l >= 0; l--) {
    const isBefore = l > 0 && makes(l - 1);
    const inputs = [
      ...(makes(l) ? [means[l], dOutput[l]] : []),
      ...(isBefore ? [means[l - 1], dOutput[l - 1]] : []),
      ...(gradient ? [gradient] : []),
    ] as TensorInfo[];
    const terms = { own: makes(l), before: isBefore ? sizes[l - 1] : undefined, next: gradient !== undefined };
    gradient = run.run(programs.remappedGradient(shading, sizes[l] as Size, terms), inputs);
  }
  return gradient as TensorInfo;
}

/** The gradient of the image through its local means, and through the residual. */
function meansGradient(call: FilterCall, means: readonly TensorInfo[], dOutput: readonly TensorInfo[]): TensorInfo {
  const { run, shading, sizes, gain, makes } = call;
  const levels = remappedLevels(call);
  const top = sizes.length - 1;
  let gradient = run.run(programs.product(shading, sizes[top] as Size, true), [dOutput[top] as TensorInfo, gain]);
  for (let l = top - 1; l >= 0; l--) {
    const size = sizes[l] as Size;
    gradient = makes(l)
      ? run.run(programs.meanGradient(shading, size, l === 0), [
          ...bandInputs(call, means, levels, l),
          dOutput[l] as TensorInfo,
          gradient,
        ])
      : run.run(programs.meanGather(shading, size), [gradient]);
  }
  return gradient;
}

/** The gradient of a table. Its bins are summed here: a shader cannot add to a place that depends on a value. */
function tableGradient(
  { backend, image, parameters }: FilterCall,
  dRemapped: TensorInfo,
  attrs: NamedAttrMap,
): TensorInfo {
  const [table] = parameters as [TensorInfo];
  const { samples = 2, low = 0, high = 1 } = attrs as Record<string, number>;
  const [pixels, gradients] = [backend.readSync(image.dataId), backend.readSync(dRemapped.dataId)] as [
    Float32Array,
    Float32Array,
  ];
  const nodes = flat(table).shape[0] as number;
  const bins = new Float64Array(nodes);
  const scale = (nodes - 1) / (2 * (high - low));
  gradients.forEach((gradient, i) => {
    const k = i % samples;
    const sample = low + ((high - low) * k) / (samples - 1);
    const place = ((pixels[(i - k) / samples] as number) - sample + high - low) * scale;
    const cell = Math.min(Math.max(Math.floor(place), 0), nodes - 2) || 0;
    bins[cell] = (bins[cell] as number) + gradient * (1 - place + cell);
    bins[cell + 1] = (bins[cell + 1] as number) + gradient * (place - cell);
  });
  return {
    dataId: backend.write(Float32Array.from(bins), table.shape, 'float32'),
    shape: table.shape,
    dtype: 'float32',
  };
}

/** `LLFLocalLaplacianGrad` with shaders: the gradients of the image, the gain and each parameter. */
export const localLaplacianGrad: KernelFunc = (params) => {
  const call = callOf(params);
  const { run, shading, sizes, image, parameters, gain } = call;
  const [size, top] = [sizes[0] as Size, sizes.length - 1];
  const means = meansOf(call);
  const dOutput = outputGradients(call, inputOf(params.inputs, 'dy'));
  const dRemapped = remappedGradient(call, means, dOutput);
  const inputs = [image, ...parameters.map(flat), dRemapped];
  const dMeans = meansGradient(call, means, dOutput);
  const dImage = run.run(programs.detailSum(shading, size, 'slope', true), [...inputs, dMeans]);
  const tops = [dOutput[top], means[top]] as TensorInfo[];
  const dGain = run.sum(run.run(programs.product(shading, sizes[top] as Size, false), tops), gain.shape);
  const dParameters =
    shading.remap === 'table'
      ? [tableGradient(call, dRemapped, params.attrs ?? {})]
      : (['bySigma', 'byAlpha', 'byBeta'] as const).map((name, i) =>
          run.sum(run.run(programs.detailSum(shading, size, name, false), inputs), (parameters[i] as TensorInfo).shape),
        );
  return run.finish([dImage, reshaped(dGain, (params.inputs['gain'] as TensorInfo).shape), ...dParameters]);
};
