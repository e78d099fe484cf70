import {
  type DataId,
  findBackend,
  getKernel,
  getKernelsForBackend,
  type KernelBackend,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { joinParts, partOf, writeComplex } from './complex_kernels.js';
import { currentKernel, putKernel } from './kernel.js';

type Call = Parameters<KernelFunc>[0];

/** Kernels that only pass values on, whatever they are. */
const PASSING = new Set(['Identity', 'Reshape']);

/** What stock kernels refuse or, of old, compute wrongly; strings and complex numbers come on top. */
const REFUSED: Readonly<Record<string, (call: Call) => boolean>> = {
  BatchMatMul: areNotFloats,
  _FusedMatMul: areNotFloats,
  FusedConv2D: biasIsNoVector,
  FusedDepthwiseConv2D: biasIsNoVector,
  // Stock returns zeros where the padding `same` leaves pixels over.
  DepthwiseConv2dNative: stepsOverPixels,
  // Only whole windows in the padding: stock leaves their places unwritten.
  MaxPool: reachesBeyondPadding,
  AvgPool: reachesBeyondPadding,
  Bincount: ({ inputs }) => tensorsOf(inputs).some(({ shape }) => shape.length > 1),
  // Stock takes the bits as they are.
  Cast: ({ attrs = {} }) => attrs['dtype'] === 'bool',
};

/**
 * Lets the cpu backend, if the program has it, compute what the WASM backend cannot: kernels that it lacks, tensors of
 * strings and of complex numbers, products of integers, convolutions of channels-first images, and biases that are no
 * vectors. The values are copied there and back, so that this is slow, but it works. The returned function undoes it.
 */
export function borrowCpuKernels(): () => void {
  if (!findBackend('cpu')) return () => {};
  const undo = [
    putKernel('Complex', ({ inputs: { real, imag }, backend }) => joinParts(own(backend), some(real), some(imag))),
    putKernel('Real', ({ inputs: { input }, backend }) => partOf(own(backend), some(input), 'real')),
    putKernel('Imag', ({ inputs: { input }, backend }) => partOf(own(backend), some(input), 'imag')),
  ];
  for (const { kernelName, kernelFunc } of getKernelsForBackend('cpu')) {
    const stock = currentKernel(kernelName);
    if (PASSING.has(kernelName) || ['Complex', 'Real', 'Imag'].includes(kernelName)) continue;
    undo.push(
      putKernel(kernelName, (call) =>
        stock && !isForCpu(kernelName, call) ? stock.kernelFunc(call) : runOnCpu(kernelFunc, call),
      ),
    );
  }
  return () => {
    for (const one of undo.reverse()) one();
  };
}

function isForCpu(name: string, call: Call): boolean {
  const { inputs, attrs = {} } = call;
  const dtypes = [attrs['dtype'], ...tensorsOf(inputs).map(({ dtype }) => dtype)];
  if (dtypes.includes('string') || dtypes.includes('complex64') || attrs['dataFormat'] === 'NCHW') return true;
  return REFUSED[name]?.(call) ?? false;
}

function areNotFloats({ inputs }: Call): boolean {
  return tensorsOf(inputs).some(({ dtype }) => dtype !== 'float32');
}

function biasIsNoVector({ inputs }: Call): boolean {
  const { bias } = inputs;
  return bias !== undefined && !Array.isArray(bias) && bias.shape.length !== 1;
}

function stepsOverPixels({ inputs, attrs = {} }: Call): boolean {
  const { filter } = inputs;
  if (!filter || Array.isArray(filter) || attrs['pad'] !== 'same') return false;
  const strides = [attrs['strides']].flat().map(Number);
  return strides.some((stride) => stride >= Math.min(...filter.shape.slice(0, 2)) + 2);
}

function reachesBeyondPadding({ attrs = {} }: Call): boolean {
  const { filterSize, pad } = attrs;
  const sides = Array.isArray(filterSize) ? filterSize : [filterSize];
  return typeof pad === 'number' && sides.some((side) => pad >= Number(side));
}

function tensorsOf(inputs: NamedTensorInfoMap): TensorInfo[] {
  return Object.values(inputs).flatMap((input) => input ?? []);
}

function runOnCpu(kernel: KernelFunc, { inputs, attrs, backend }: Call): TensorInfo | TensorInfo[] {
  const [wasm, cpu] = [own(backend), findBackend('cpu')];
  const copies: TensorInfo[] = [];
  const copy = (tensor: TensorInfo): TensorInfo => {
    const there = toCpu(wasm, cpu, tensor);
    copies.push(there);
    return there;
  };
  const back = (tensor: TensorInfo): TensorInfo => {
    if (!copies.includes(tensor)) copies.push(tensor);
    return fromCpu(wasm, cpu, tensor);
  };
  try {
    // Concat and Pack are given a plain list.
    const moved = Array.isArray(inputs)
      ? inputs.map(copy)
      : Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input && each(input, copy)]));
    return each(kernel({ inputs: moved as NamedTensorInfoMap, attrs: attrs as NamedAttrMap, backend: cpu }), back);
  } finally {
    for (const dataId of new Set<DataId>(copies.map((tensor) => tensor.dataId))) cpu.disposeData(dataId, true);
  }
}

/** Some kernels take or return lists. */
function each(
  tensors: TensorInfo | TensorInfo[],
  change: (tensor: TensorInfo) => TensorInfo,
): TensorInfo | TensorInfo[] {
  return Array.isArray(tensors) ? tensors.map(change) : change(tensors);
}

function toCpu(wasm: KernelBackend, cpu: KernelBackend, tensor: TensorInfo): TensorInfo {
  const { dataId, shape, dtype } = tensor;
  if (dtype !== 'complex64') return { dataId: cpu.write(wasm.readSync(dataId), shape, dtype), shape, dtype };
  const parts = (['real', 'imag'] as const).map((part) => {
    const here = partOf(wasm, tensor, part);
    const there = toCpu(wasm, cpu, here);
    wasm.disposeData(here.dataId);
    return there;
  });
  const [real, imag] = parts as [TensorInfo, TensorInfo];
  const complex = some(getKernel('Complex', 'cpu')).kernelFunc({ inputs: { real, imag }, attrs: {}, backend: cpu });
  for (const part of parts) cpu.disposeData(part.dataId);
  return complex as TensorInfo;
}

function fromCpu(wasm: KernelBackend, cpu: KernelBackend, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  const values = cpu.readSync(dataId);
  if (dtype === 'complex64') return writeComplex(wasm, values as Float32Array, shape);
  return { dataId: wasm.write(values, shape, dtype), shape, dtype };
}

function own(backend: unknown): KernelBackend {
  return backend as KernelBackend;
}

function some<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('accelerateWasm: kernel must be given all its inputs, received too few.');
  return value;
}
