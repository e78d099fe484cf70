import {
  add,
  concat,
  depthwiseConv2d,
  mul,
  ones,
  pad,
  reshape,
  slice,
  type Tensor,
  type Tensor4D,
  tensor,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { type Size, sizeOf } from './size.js';

/** Zeros that a convolution adds before and after an axis. */
type Margin = [before: number, after: number];

/** Convolves `x [B, H, W, C]` with the taps along both axes, each channel alone. */
function convolve(x: Tensor, taps: readonly number[], stride: number, rows: Margin, columns: Margin): Tensor {
  const products = taps.flatMap((a) => taps.map((b) => a * b));
  const channels = ones([1, 1, x.shape[3] as number, 1]);
  const filter = mul(tensor(products, [taps.length, taps.length, 1, 1]), channels) as Tensor4D;
  return depthwiseConv2d(x as Tensor4D, filter, stride, [[0, 0], rows, columns, [0, 0]]);
}

/** Convolves, with so many zeros around, and keeps every second sample: one pass of a convolution with stride 2. */
export function shrink(x: Tensor, taps: readonly number[], zeros: number): Tensor {
  // At an even length the last place of the taps is one sample short.
  const margin = (length: number): Margin => [zeros, Math.max(zeros - 1 + (length % 2), 0)];
  const [height, width] = sizeOf(x);
  return convolve(x, taps, 2, margin(height), margin(width));
}

/** Puts a zero after every sample, along both axes, and convolves, with so many zeros around: to a level of this size. */
export function spread(x: Tensor, taps: readonly number[], margin: number, [height, width]: Size): Tensor {
  const [batch, rows, columns, channels] = x.shape as [number, number, number, number];
  const both = tidy(() => {
    const wide = tidy(() => reshape(concat([x, zerosLike(x)], 3), [batch, rows, 1, 2 * columns * channels]));
    return reshape(concat([wide, zerosLike(wide)], 2), [batch, 2 * rows, 2 * columns, channels]);
  });
  // At an odd length there is one zero too many: after the samples, or in them.
  const [down, across] = [height % 2, width % 2];
  if (margin > 0) return convolve(both, taps, 1, [margin, margin - down], [margin, margin - across]);
  const isOdd = down + across > 0;
  const trimmed = isOdd ? slice(both, [0, 0, 0, 0], [batch, 2 * rows - down, 2 * columns - across, channels]) : both;
  return convolve(trimmed, taps, 1, [0, 0], [0, 0]);
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
  return beyond.reduce(
    (sum, [from = 0, to = 0]) => {
      const margins = y.shape.map((_, i): [number, number] => (i === axis ? [to, size - 1 - to] : [0, 0]));
      return tidy(() => add(sum, pad(strip(y, axis, from, 1), margins)));
    },
    strip(y, axis, before.length, size),
  );
}
