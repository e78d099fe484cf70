import {
  backend_util,
  type Conv2DAttrs,
  type Conv2DBackpropFilterAttrs,
  type Conv2DBackpropInputAttrs,
  type FusedConv2DAttrs,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { KernelHost } from './host.js';
import { areFloats, inputOf, type KernelCall, type WasmKernel } from './kernel.js';
import { copyLayout, stridesOf } from './layout.js';
import { activationOf, isRow } from './matmul_kernels.js';

type Shape4D = [number, number, number, number];
type ConvAttrs = Pick<Conv2DAttrs, 'strides' | 'pad' | 'dataFormat' | 'dimRoundingMode'>;

/** Floats of windows that are worked on at a time: they stay in the cache. */
const TILE = 1 << 16;

/**
 * `Conv2D` and `FusedConv2D` without dilation. Stock prepares each convolution anew when its filter has changed, computes
 * nothing where the padding `same` leaves pixels over, and has no NCHW.
 */
function forward(name: string): WasmKernel {
  return {
    name,
    run: (call) => {
      const { host } = call;
      const [x, filter] = [inputOf(call, 'x'), inputOf(call, 'filter')];
      const { bias, preluActivationWeights: slopes } = call.inputs;
      const attrs = call.attrs as unknown as FusedConv2DAttrs;
      const perChannel = [bias, slopes].flatMap((tensor) => tensor ?? []);
      const activation = name === 'Conv2D' ? { kind: 0 } : activationOf(call);
      if (!areFloats(x, filter, ...perChannel) || !activation) return undefined;
      if (!backend_util.tupleValuesAreOne(attrs.dilations)) return undefined;
      const info = infoOf(x.shape, filter.shape as Shape4D, attrs);
      if (perChannel.some((tensor) => !isRow(tensor, info.outChannels))) return undefined;
      if (isStockFaster(info) && isStockRight(call, info)) return undefined;
      const { kind, alpha = 0, slopes: place = 0 } = activation;
      const epilogue = [bias ? host.pointer(bias) : 0, kind, alpha, place];
      return withChannelsLast(host, x, info.first, (image) =>
        outputOf(host, info.outShape, info.first, (target) => {
          run(host, 'conv', [image, host.pointer(filter), target], info, info.outShape, epilogue);
        }),
      );
    },
  };
}

/**
 * Whether the stock kernel is faster. We write the windows of an image as rows of a matrix, which pays only where enough
 * output channels use them. Throughput of ours over stock's, batch 8 to 16, median of 9 rounds by processor time, Node 20
 * on an AMD EPYC: 3x3 and 5x5 to 4 or 8 output channels 0.4 to 0.8, to 12 0.6 to 1.0, to 16 or more 0.94 to 1.3; but from 1 to 4
 * channels by 3x3 to 16 output channels 0.67 to 0.83, to 32 0.9 to 1.0, and by 1x1 to any number 0.6 to 1.0.
 */
function isStockFaster({ channels, outChannels, filter: [height, width] }: ConvInfo): boolean {
  const area = height * width;
  if (channels > 4) return outChannels <= 12 && area > 1;
  return area === 1 || outChannels <= 16 || (area <= 9 && outChannels <= 32);
}

/** Whether the stock kernel takes the case, and computes it as cpu does. */
function isStockRight({ inputs, attrs }: KernelCall, info: ConvInfo): boolean {
  const { bias } = inputs;
  const [height, width] = info.filter;
  const skips = attrs['pad'] === 'same' && (info.strides[0] > height || info.strides[1] > width);
  const isPlain = ['linear', 'relu', 'relu6', undefined].includes(attrs['activation'] as string | undefined);
  const isEmpty = info.batch * info.height * info.width * info.channels * util.sizeFromShape([...info.outShape]) === 0;
  return !info.first && !skips && isPlain && !isEmpty && (bias === undefined || bias.shape.length === 1);
}

/** `Conv2DBackpropFilter`: stock has none (https://github.com/tensorflow/tfjs/issues/8474). */
const filterGradient: WasmKernel = {
  name: 'Conv2DBackpropFilter',
  run: (call) => {
    const x = inputOf(call, 'x');
    const dy = inputOf(call, 'dy');
    if (!areFloats(x, dy)) return undefined;
    const attrs = call.attrs as unknown as Conv2DBackpropFilterAttrs;
    const info = infoOf(x.shape, attrs.filterShape, attrs);
    return withChannelsLast(call.host, x, info.first, (image) =>
      withChannelsLast(call.host, dy, info.first, (slope) => {
        const out = call.host.output(attrs.filterShape);
        if (util.sizeFromShape(attrs.filterShape) === 0) return out;
        run(call.host, 'convFilterGradient', [image, slope, call.host.pointer(out)], info, dy.shape);
        return out;
      }),
    );
  },
};

/** `Conv2DBackpropInput`. */
const inputGradient: WasmKernel = {
  name: 'Conv2DBackpropInput',
  run: (call) => {
    const dy = inputOf(call, 'dy');
    const filter = inputOf(call, 'filter');
    if (!areFloats(dy, filter)) return undefined;
    const { host } = call;
    const attrs = call.attrs as unknown as Conv2DBackpropInputAttrs;
    const info = infoOf(attrs.inputShape, filter.shape as Shape4D, attrs);
    if (dy.shape.join() !== info.outShape.join()) return undefined;
    return withChannelsLast(host, dy, info.first, (slope) =>
      outputOf(host, attrs.inputShape, info.first, (target) => {
        run(host, 'convInputGradient', [slope, host.pointer(filter), target], info, dy.shape);
      }),
    );
  },
};

interface ConvInfo {
  /** Whether the channels come before the pixels (NCHW). */
  readonly first: boolean;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly outShape: readonly number[];
  readonly filter: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: readonly [number, number];
}

function infoOf(inputShape: readonly number[], filterShape: Shape4D, attrs: ConvAttrs): ConvInfo {
  const format = backend_util.convertConv2DDataFormat(attrs.dataFormat);
  const info = backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape,
    attrs.strides,
    1,
    attrs.pad,
    attrs.dimRoundingMode,
    false,
    format,
  );
  return {
    first: format === 'channelsFirst',
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    outChannels: info.outChannels,
    outShape: info.outShape,
    filter: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    padding: [info.padInfo.top, info.padInfo.left],
  };
}

/** Calls a compiled function with room for as many windows as stay in the cache. */
function run(
  host: KernelHost,
  name: string,
  pointers: readonly number[],
  info: ConvInfo,
  slopeShape: readonly number[],
  epilogue: readonly number[] = [],
): void {
  // The shape that the forward pass came to: it may have been rounded another way.
  const [outHeight = 0, outWidth = 0] = slopeShape.slice(info.first ? 2 : 1);
  const { batch, height, width, channels, outChannels, filter, strides, padding } = info;
  const size = filter[0] * filter[1] * channels;
  const most = Math.max(16, Math.min(Math.floor(TILE / size), batch * outHeight * outWidth));
  // Sums run over blocks of 256: no smaller rest of the positions then needs more scratch than a whole tile.
  const tile = most > 256 ? most - (most % 256) : most;
  const products: Record<string, [number, number, number]> = {
    conv: [tile, outChannels, size],
    convFilterGradient: [size, outChannels, tile],
    convInputGradient: [tile, size, outChannels],
  };
  const geometry = [batch, height, width, channels, outHeight, outWidth, outChannels];
  const window = [...filter, ...strides, ...padding];
  host.withScratch(4 * size * tile, (windows) =>
    host.withScratch(host.call('gemmScratch', ...(products[name] ?? [])), (scratch) =>
      host.call(name, ...pointers, ...geometry, ...window, tile, windows, scratch, ...epilogue),
    ),
  );
}

/** A new tensor from values that are computed with the channels last. */
function outputOf(
  host: KernelHost,
  shape: readonly number[],
  first: boolean,
  compute: (target: number) => void,
): TensorInfo {
  if (!first || util.sizeFromShape([...shape]) === 0) {
    const out = host.output(shape);
    if (util.sizeFromShape([...shape]) > 0) compute(host.pointer(out));
    return out;
  }
  return host.withScratch(4 * util.sizeFromShape([...shape]), (scratch) => {
    compute(scratch);
    const out = host.output(shape);
    moveChannels(host, scratch, host.pointer(out), shape, false);
    return out;
  });
}

/** Hands out the address of a tensor's values with the channels last, if need be of a copy. */
function withChannelsLast<T>(host: KernelHost, x: TensorInfo, first: boolean, use: (pointer: number) => T): T {
  if (!first) return use(host.pointer(x));
  return host.withScratch(4 * util.sizeFromShape(x.shape), (copy) => {
    moveChannels(host, host.pointer(x), copy, x.shape, true);
    return use(copy);
  });
}

/** Copies an array of shape `[B, C, H, W]` to `[B, H, W, C]`, or back. */
function moveChannels(host: KernelHost, from: number, to: number, shape: readonly number[], last: boolean): void {
  const [batch = 0, channels = 0, height = 0, width = 0] = shape;
  const before = stridesOf(shape);
  const after = stridesOf([batch, height, width, channels]);
  const place = (axis: number): number => (axis === 0 ? 0 : axis === 1 ? 3 : axis - 1);
  const axes = shape.map((size, axis) => {
    const [first = 1, final = 1] = [before[axis], after[place(axis)]];
    return last ? { size, from: first, to: final } : { size, from: final, to: first };
  });
  const order = last ? [0, 2, 3, 1] : [0, 1, 2, 3];
  copyLayout(
    host,
    from,
    to,
    order.flatMap((axis) => axes[axis] ?? []),
  );
}

export const convKernels: readonly WasmKernel[] = [
  forward('Conv2D'),
  forward('FusedConv2D'),
  filterGradient,
  inputGradient,
];
