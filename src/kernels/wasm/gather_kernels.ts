import {
  backend_util,
  type GatherV2Attrs,
  type TensorInfo,
  type UnsortedSegmentSumAttrs,
  util,
} from '@tensorflow/tfjs-core';
import type { KernelHost } from './host.js';
import { areFloats, inputOf, isPlain, type WasmKernel } from './kernel.js';

/** `GatherV2`: whole rows along any axis. */
const gather: WasmKernel = {
  name: 'GatherV2',
  run: (call) => {
    const x = inputOf(call, 'x');
    const indices = inputOf(call, 'indices');
    if (!isPlain(x) || indices.dtype !== 'int32') return undefined;
    const { axis, batchDims } = call.attrs as unknown as GatherV2Attrs;
    const along = util.parseAxisParam(axis, x.shape)[0] ?? 0;
    const info = backend_util.segment_util.collectGatherOpShapeInfo(
      { shape: x.shape } as Parameters<typeof backend_util.segment_util.collectGatherOpShapeInfo>[0],
      { shape: indices.shape } as Parameters<typeof backend_util.segment_util.collectGatherOpShapeInfo>[1],
      along,
      batchDims ?? 0,
    );
    const outside = firstOutside(call.host, indices, info.dimSize);
    if (outside !== undefined)
      throw new Error(`GatherV2: the index value ${outside} is not in [0, ${info.dimSize - 1}]`);
    return gatherRows(call.host, x, indices, info.outputShape, [info.batchSize, info.outerSize, info.dimSize]);
  },
};

/** `UnsortedSegmentSum` of rows `x [rows, ...]` by `segmentIds [rows]`; stock has none. */
const segmentSum: WasmKernel = {
  name: 'UnsortedSegmentSum',
  run: (call) => {
    const x = inputOf(call, 'x');
    const ids = inputOf(call, 'segmentIds');
    if (!areFloats(x) || ids.dtype !== 'int32' || ids.shape.length !== 1) return undefined;
    const { numSegments } = call.attrs as unknown as UnsortedSegmentSumAttrs;
    return scatterRows(call.host, x, ids, [numSegments, ...x.shape.slice(1)], [1, numSegments]);
  },
};

/** `LLFTakeTokens`: rows `indices [B, K]` of each sample of `x [B, M, ...]` → `[B, K, ...]`. */
const takeTokens: WasmKernel = {
  name: 'LLFTakeTokens',
  run: (call) => {
    const x = inputOf(call, 'x');
    const indices = inputOf(call, 'indices');
    if (!isPlain(x) || indices.dtype !== 'int32') return undefined;
    const [batch = 0, tokens = 0, ...rest] = x.shape;
    checkTokens(call.host, indices, tokens);
    return gatherRows(call.host, x, indices, [...indices.shape, ...rest], [batch, 1, tokens]);
  },
};

/** `LLFScatterTokens`: its gradient; `x [B, K, ...]`, `indices [B, K]` → `[B, tokens, ...]`, summed over copies. */
const scatterTokens: WasmKernel = {
  name: 'LLFScatterTokens',
  run: (call) => {
    const x = inputOf(call, 'x');
    const indices = inputOf(call, 'indices');
    if (!areFloats(x) || indices.dtype !== 'int32') return undefined;
    const [batch = 0, , ...rest] = x.shape;
    const tokens = Number(call.attrs['tokens']);
    checkTokens(call.host, indices, tokens);
    return scatterRows(call.host, x, indices, [batch, tokens, ...rest], [batch, tokens]);
  },
};

/** The first index that is not in [0, size), if there is one. */
export function firstOutside(host: KernelHost, indices: TensorInfo, size: number): number | undefined {
  const pointer = host.pointer(indices);
  const place = host.call('firstOutside', pointer, util.sizeFromShape(indices.shape), size);
  return place < 0 ? undefined : host.call('loadInteger', pointer, place);
}

function checkTokens(host: KernelHost, indices: TensorInfo, tokens: number): void {
  const outside = firstOutside(host, indices, tokens);
  if (outside !== undefined) throw new Error(`takeTokens: indices must be in [0, ${tokens - 1}], received ${outside}.`);
}

function gatherRows(
  host: KernelHost,
  x: TensorInfo,
  indices: TensorInfo,
  shape: readonly number[],
  [batch, outer, size]: readonly [number, number, number],
): TensorInfo {
  const out = host.output(shape, x.dtype);
  const elements = util.sizeFromShape([...shape]);
  if (elements === 0) return out;
  const count = util.sizeFromShape(indices.shape) / batch;
  const length = elements / (batch * outer * count);
  host.call('gatherRows', host.pointer(x), host.pointer(indices), host.pointer(out), batch, outer, size, count, length);
  return out;
}

function scatterRows(
  host: KernelHost,
  x: TensorInfo,
  indices: TensorInfo,
  shape: readonly number[],
  [batch, size]: readonly [number, number],
): TensorInfo {
  const out = host.output(shape);
  const elements = util.sizeFromShape([...shape]);
  if (elements === 0) return out;
  const count = util.sizeFromShape(indices.shape) / batch;
  const length = elements / (batch * size);
  host.call('scatterRows', host.pointer(x), host.pointer(indices), host.pointer(out), batch, size, count, length);
  return out;
}

export const gatherKernels: readonly WasmKernel[] = [gather, segmentSum, takeTokens, scatterTokens];
