import type { KernelBackend, KernelFunc, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { Pyramid } from '../../local-laplacian/pyramid_operators.js';
import { levelSizes } from '../../local-laplacian/size.js';
import { type Filter, filterGradient, filterImage, mapsOf, type ParameterSums, risesLength } from './filter.js';
import { remapLoop } from './remap_loops.js';

type Call = Parameters<KernelFunc>[0];

/** A call of one of the two kernels: its numbers. */
interface FilterCall {
  readonly filter: Filter;
  readonly batch: number;
  /** Pixels of an image. */
  readonly size: number;
  readonly parameters: readonly TensorInfo[];
  read(name: string): Float32Array;
  write(values: Float32Array, shape: readonly number[]): TensorInfo;
}

function inputOf(inputs: NamedTensorInfoMap, name: string): TensorInfo {
  const input = inputs[name] as TensorInfo | undefined;
  if (input?.dtype === 'float32') return input;
  throw new Error(`accelerateCpu: kernel must be given "${name}" of float32, received ${input?.dtype}.`);
}

function callOf({ inputs, attrs = {}, backend }: Call): FilterCall {
  const cpu = backend as KernelBackend;
  const read = (name: string): Float32Array => cpu.readSync(inputOf(inputs, name).dataId) as Float32Array;
  const [batch = 0, height = 0, width = 0] = inputOf(inputs, 'image').shape;
  const { levels = 1, samples = 2, low = 0, high = 1, from = 0, to = 0 } = attrs as Record<string, number>;
  const sizes = levelSizes([height, width], levels);
  const names = attrs['remap'] === 'table' ? ['a'] : ['a', 'b', 'c'];
  return {
    filter: {
      sizes,
      maps: mapsOf(attrs['pyramid'] as Pyramid, sizes),
      samples,
      low,
      high,
      from,
      to: Math.min(to, sizes.length - 1),
      remap: remapLoop(attrs['remap'] as string, names.map(read), high - low),
      gain: read('gain')[0] as number,
    },
    batch,
    size: height * width,
    parameters: names.map((name) => inputOf(inputs, name)),
    read,
    write: (values, shape) => ({
      dataId: cpu.write(values, [...shape], 'float32'),
      shape: [...shape],
      dtype: 'float32',
    }),
  };
}

/** The numbers of one image of a batch. */
function imageOf(values: Float32Array, index: number, size: number): Float32Array {
  return values.subarray(index * size, (index + 1) * size);
}

/** `LLFLocalLaplacian`, as that of the WASM backend. */
const localLaplacian: KernelFunc = (params) => {
  const { filter, batch, size, read, write } = callOf(params);
  const image = read('image');
  const output = new Float32Array(image.length);
  const length = risesLength(filter.sizes);
  const rises = params.attrs?.['rises'] ? new Float32Array(batch * length) : undefined;
  for (let i = 0; i < batch; i++) {
    filterImage(filter, imageOf(image, i, size), imageOf(output, i, size), rises && imageOf(rises, i, length));
  }
  const filtered = write(output, [batch, ...(filter.sizes[0] as readonly number[]), 1]);
  return rises ? [filtered, write(rises, [batch, length])] : filtered;
};

/** `LLFLocalLaplacianGrad`, as that of the WASM backend. */
const localLaplacianGrad: KernelFunc = (params) => {
  const { filter, batch, size, parameters, read, write } = callOf(params);
  const [image, dy, rises] = [read('image'), read('dy'), read('rises')];
  const dImage = new Float32Array(image.length);
  const length = risesLength(filter.sizes);
  const sums: ParameterSums = {
    gain: new Float64Array(1),
    parameters: parameters.map(({ shape }) => new Float64Array(shape.reduce((product, side) => product * side, 1))),
  };
  for (let i = 0; i < batch; i++) {
    const [x, dx, slopes] = [imageOf(image, i, size), imageOf(dImage, i, size), imageOf(rises, i, length)];
    filterGradient(filter, x, imageOf(dy, i, size), slopes, dx, sums);
  }
  return [
    write(dImage, [batch, ...(filter.sizes[0] as readonly number[]), 1]),
    write(Float32Array.from(sums.gain), inputOf(params.inputs, 'gain').shape),
    ...parameters.map(({ shape }, i) => write(Float32Array.from(sums.parameters[i] as Float64Array), shape)),
  ];
};

/** The kernels by their names. */
export const localLaplacianKernels: Readonly<Record<string, KernelFunc>> = {
  LLFLocalLaplacian: localLaplacian,
  LLFLocalLaplacianGrad: localLaplacianGrad,
};
