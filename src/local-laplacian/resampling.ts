import {
  add,
  concat,
  depthwiseConv2d,
  pad,
  reshape,
  slice,
  type Tensor,
  type Tensor4D,
  tensor,
  tidy,
  tile,
  zeros,
} from '@tensorflow/tfjs-core';

/** Zeros that a convolution adds: [before, after] the rows, [before, after] the columns; −1 takes a sample away. */
export type Margins = readonly [readonly [number, number], readonly [number, number]];

/** The outer product of one-dimensional taps with themselves, for each of the channels. */
function filterOf(taps: readonly number[], channels: number): Tensor4D {
  const side = taps.length;
  const products = taps.flatMap((a) => taps.map((b) => a * b));
  return tile(tensor(products, [side, side, 1, 1]), [1, 1, channels, 1]) as Tensor4D;
}

/** Convolves `x [B, H, W, C]` with the taps along both axes, each channel alone. */
function convolve(x: Tensor, taps: readonly number[], stride: number, [rows, columns]: Margins): Tensor {
  const channels = x.shape[3] as number;
  return depthwiseConv2d(x as Tensor4D, filterOf(taps, channels), stride, [[0, 0], [...rows], [...columns], [0, 0]]);
}

/** Convolves and keeps every second sample: one pass of a convolution with stride 2. */
export function shrink(x: Tensor, taps: readonly number[], margins: Margins): Tensor {
  return convolve(x, taps, 2, margins);
}

/** Puts a zero after every sample, along both axes, and convolves. */
export function spread(x: Tensor, taps: readonly number[], margins: Margins): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const both = tidy(() => {
    const columns = tidy(() => reshape(concat([x, zeros(x.shape)], 3), [batch, height, 1, 2 * width * channels]));
    return reshape(concat([columns, zeros(columns.shape)], 2), [batch, 2 * height, 2 * width, channels]);
  });
  const lost = margins.map(([, after]) => Math.min(after, 0)) as [number, number];
  const trimmed = lost.some((count) => count < 0)
    ? slice(both, [0, 0, 0, 0], [batch, 2 * height + lost[0], 2 * width + lost[1], channels])
    : both;
  const [rows, columnMargins] = margins.map(([before, after]) => [before, Math.max(after, 0)]) as unknown as Margins;
  return convolve(trimmed, taps, 1, [rows, columnMargins]);
}

/** Which samples stand before and after an axis: places in it. */
export interface Border {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

function strip(x: Tensor, axis: number, start: number, size: number): Tensor {
  return slice(
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    x.shape.map((length, i) => (i === axis ? size : length)),
  );
}

/** Repeats samples beyond both ends of an axis. */
export function extend(x: Tensor, axis: number, { before, after }: Border): Tensor {
  const sample = (place: number): Tensor => strip(x, axis, place, 1);
  return concat([...before.map(sample), x, ...after.map(sample)], axis);
}

/** The adjoint of {@link extend}: adds what stands beyond the ends to the samples that were repeated there. */
export function fold(y: Tensor, axis: number, { before, after }: Border): Tensor {
  const size = (y.shape[axis] as number) - before.length - after.length;
  const beyond = [...before.map((to, i) => [i, to]), ...after.map((to, i) => [before.length + size + i, to])];
  let sum = strip(y, axis, before.length, size);
  for (const [from = 0, to = 0] of beyond) {
    const last = sum;
    const margins = y.shape.map((_, i): [number, number] => (i === axis ? [to, size - 1 - to] : [0, 0]));
    sum = tidy(() => add(last, pad(strip(y, axis, from, 1), margins)));
    last.dispose();
  }
  return sum;
}
