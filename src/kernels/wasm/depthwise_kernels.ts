import {
  backend_util,
  type DepthwiseConv2dNativeBackpropFilterAttrs,
  type DepthwiseConv2dNativeBackpropInputAttrs,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { KernelHost } from './host.js';
import { areFloats, inputOf, type WasmKernel } from './kernel.js';

type Shape4D = [number, number, number, number];

/** `DepthwiseConv2dNativeBackpropFilter`: stock has none. */
const filterGradient: WasmKernel = {
  name: 'DepthwiseConv2dNativeBackpropFilter',
  run: (call) => {
    const x = inputOf(call, 'x');
    const dy = inputOf(call, 'dy');
    if (!areFloats(x, dy)) return undefined;
    const { host } = call;
    const attrs = call.attrs as unknown as DepthwiseConv2dNativeBackpropFilterAttrs;
    const geometry = geometryOf(x.shape, attrs.filterShape, dy, attrs);
    const { batch, pixels, channels, multiplier } = geometry;
    return withImage(host, geometry, (scratch) => {
      const out = host.output(attrs.filterShape);
      host.call('clearElements', host.pointer(out), util.sizeFromShape(attrs.filterShape));
      for (let image = 0; image < batch; image++) {
        let place = host.pointer(x) + 4 * image * pixels * channels;
        if (multiplier > 1) {
          host.call('repeatElements', place, scratch, pixels * channels, multiplier);
          place = scratch;
        }
        accumulate(host, true, geometry, place, host.pointer(dy) + 4 * image * geometry.slopeSize, host.pointer(out));
      }
      return out;
    });
  },
};

/** `DepthwiseConv2dNativeBackpropInput`: stock has none. */
const inputGradient: WasmKernel = {
  name: 'DepthwiseConv2dNativeBackpropInput',
  run: (call) => {
    const dy = inputOf(call, 'dy');
    const filter = inputOf(call, 'filter');
    if (!areFloats(dy, filter)) return undefined;
    const { host } = call;
    const attrs = call.attrs as unknown as DepthwiseConv2dNativeBackpropInputAttrs;
    const geometry = geometryOf(attrs.inputShape, filter.shape, dy, attrs);
    const { batch, pixels, channels, multiplier } = geometry;
    return withImage(host, geometry, (scratch) => {
      const out = host.output(attrs.inputShape);
      for (let image = 0; image < batch; image++) {
        const place = host.pointer(out) + 4 * image * pixels * channels;
        const target = multiplier > 1 ? scratch : place;
        host.call('clearElements', target, pixels * channels * multiplier);
        accumulate(
          host,
          false,
          geometry,
          target,
          host.pointer(dy) + 4 * image * geometry.slopeSize,
          host.pointer(filter),
        );
        if (multiplier > 1) host.call('sumNeighbours', scratch, place, pixels * channels, multiplier);
      }
      return out;
    });
  },
};

interface Geometry {
  readonly batch: number;
  readonly pixels: number;
  readonly channels: number;
  readonly multiplier: number;
  readonly slopeSize: number;
  /** What the compiled function takes after its addresses, for images whose channels are repeated. */
  readonly sizes: readonly number[];
}

function geometryOf(
  inputShape: readonly number[],
  filterShape: readonly number[],
  dy: TensorInfo,
  attrs: Pick<DepthwiseConv2dNativeBackpropInputAttrs, 'strides' | 'dilations' | 'pad' | 'dimRoundingMode'>,
): Geometry {
  const { strides, dilations, pad, dimRoundingMode } = attrs;
  const info = backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    true,
  );
  const { batchSize, inHeight, inWidth, inChannels, padInfo } = info;
  const multiplier = filterShape[3] ?? 1;
  const channels = inChannels * multiplier;
  const [, outHeight = 0, outWidth = 0] = dy.shape;
  return {
    batch: batchSize,
    pixels: inHeight * inWidth,
    channels: inChannels,
    multiplier,
    slopeSize: outHeight * outWidth * channels,
    sizes: [inHeight, inWidth, channels, outHeight, outWidth].concat(
      [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth],
      [padInfo.top, padInfo.left, info.dilationHeight, info.dilationWidth],
    ),
  };
}

/** Hands out room for an image with its channels repeated, where they are. */
function withImage<T>(host: KernelHost, { pixels, channels, multiplier }: Geometry, use: (scratch: number) => T): T {
  return multiplier > 1 ? host.withScratch(4 * pixels * channels * multiplier, use) : use(0);
}

function accumulate(host: KernelHost, toFilter: boolean, { sizes }: Geometry, x: number, dy: number, filter: number) {
  host.call('depthwiseGradient', toFilter ? 1 : 0, x, dy, filter, ...sizes);
}

export const depthwiseKernels: readonly WasmKernel[] = [filterGradient, inputGradient];
