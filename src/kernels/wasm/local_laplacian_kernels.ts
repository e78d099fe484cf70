import type { TensorInfo } from '@tensorflow/tfjs-core';
import { levelSizes } from '../../local-laplacian/size.js';
import type { KernelHost } from './host.js';
import { areFloats, inputOf, type KernelCall, type WasmKernel } from './kernel.js';

/** What both kernels are told, in numbers. */
interface Setting {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  /** Levels down to one pixel at most: further ones change nothing. */
  readonly levels: number;
  /** The arguments of the compiled functions after the work area. */
  readonly shape: readonly number[];
  /** The remap function, as the compiled functions number it. */
  readonly remap: number;
}

type Four = [TensorInfo, TensorInfo, TensorInfo, TensorInfo];

const PYRAMIDS: readonly unknown[] = ['paris', 'opencv', 'lin'];
const REMAPS: readonly unknown[] = ['gauss', 'table', 'paris', 'parisBlended'];

function settingOf(image: TensorInfo, { attrs }: KernelCall): Setting {
  const [batch = 0, height = 0, width = 0] = image.shape;
  const { samples, low, high, from, to, ...others } = attrs as Record<string, number>;
  const levels = levelSizes([height, width], others['levels'] ?? 1).length;
  const kinds = [PYRAMIDS.indexOf(attrs['pyramid']), samples ?? 0, low ?? 0, high ?? 0];
  const remap = REMAPS.indexOf(attrs['remap']);
  const bands = [from ?? 0, Math.min(to ?? 0, levels - 1), remap];
  return { batch, height, width, levels, remap, shape: [height, width, levels, ...kinds, ...bands] };
}

/** The parameters of the remap function: sigma, alpha and beta, or a table. */
function parametersOf({ inputs }: KernelCall): TensorInfo[] {
  return ['a', 'b', 'c'].flatMap((name) => inputs[name] ?? []);
}

/** The addresses of the parameters, and the nodes of a table. */
function parameterArguments(host: KernelHost, parameters: readonly TensorInfo[]): number[] {
  const [a = 0, b = 0, c = 0] = parameters.map((tensor) => host.pointer(tensor));
  return [a, b, c, parameters[0]?.shape.reduce((size, length) => size * length, 1) ?? 0];
}

/** The bytes of image `index` of a batch. */
function imageAt(host: KernelHost, images: TensorInfo, { height, width }: Setting, index: number): number {
  return host.pointer(images) + 4 * index * height * width;
}

/**
 * `LLFLocalLaplacian`: `image [B, H, W, 1]`, `gain` and the parameters `a`, `b`, `c` of the remap function → the filtered
 * image, and with the attribute `rises` what the gradient needs of the forward pass, `[B, ...]`. Other attributes are those
 * of the setting of the fast filter, and `remap`, its name.
 */
const localLaplacian: WasmKernel = {
  name: 'LLFLocalLaplacian',
  run: (call) => {
    const { host } = call;
    const [image, gain, parameters] = [inputOf(call, 'image'), inputOf(call, 'gain'), parametersOf(call)];
    if (!areFloats(image, gain, ...parameters)) return undefined;
    const setting = settingOf(image, call);
    const { batch, height, width, levels, shape } = setting;
    const out = host.output(image.shape);
    const size = host.call('risesFloats', height, width, levels);
    const rises = call.attrs['rises'] ? host.output([batch, size]) : undefined;
    host.withScratch(host.call('llfWorkBytes', height, width, levels, 3), (work) => {
      const last = [...shape, ...parameterArguments(host, parameters), host.pointer(gain)];
      for (let i = 0; i < batch; i++) {
        const images = [image, out].map((tensor) => imageAt(host, tensor, setting, i));
        host.call('localLaplacian', ...images, work, ...last, rises ? host.pointer(rises) + 4 * i * size : 0);
      }
    });
    return rises ? [out, rises] : out;
  },
};

/** `LLFLocalLaplacianGrad`: the same inputs with `dy` and `rises` → the gradients of the image, the gain, and each parameter. */
const localLaplacianGrad: WasmKernel = {
  name: 'LLFLocalLaplacianGrad',
  run: (call) => {
    const { host } = call;
    const [image, gain, dy, rises] = ['image', 'gain', 'dy', 'rises'].map((name) => inputOf(call, name)) as Four;
    const parameters = parametersOf(call);
    if (!areFloats(image, gain, dy, rises, ...parameters)) return undefined;
    const setting = settingOf(image, call);
    const { batch, height, width, levels, shape } = setting;
    const [dImage, dGain] = [host.output(image.shape), host.output(gain.shape)];
    const dParameters = parameters.map((parameter) => host.output(parameter.shape));
    const isTable = parameters.length === 1;
    const sumBytes = 32;
    host.withScratch(sumBytes + host.call('llfWorkBytes', height, width, levels, 4), (sums) => {
      const given = parameterArguments(host, parameters);
      const [da = 0, db = 0, dc = 0] = dParameters.map((tensor) => host.pointer(tensor));
      host.call('clearElements', sums, sumBytes / 4);
      if (isTable) host.call('clearElements', da, given[3] as number);
      const last = [sums + sumBytes, ...shape, ...given, host.pointer(gain)];
      for (let i = 0; i < batch; i++) {
        const images = [image, dy, dImage].map((tensor) => imageAt(host, tensor, setting, i));
        const gains = host.pointer(rises) + 4 * i * (rises.shape[1] as number);
        host.call('localLaplacianGrad', ...images, gains, isTable ? da : sums, sums + 24, ...last);
      }
      if (!isTable) host.call('finishRemapGrad', setting.remap, sums, ...given.slice(0, 2), da, db, dc);
      host.call('finishSum', sums + 24, host.pointer(dGain));
    });
    return [dImage, dGain, ...dParameters];
  },
};

export const localLaplacianKernels: readonly WasmKernel[] = [localLaplacian, localLaplacianGrad];
