import type { KernelHost } from './host.js';

/** An axis of a copy: its size, and how many elements apart its neighbours are in the source and in the target. */
export interface CopyAxis {
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

/** How many elements apart the neighbours along each axis of a full tensor are. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of [...shape].reverse()) {
    strides.unshift(stride);
    stride *= size;
  }
  return strides;
}

/** The same copy with as few axes as possible: without those of size 1, and with neighbours as one where they run on. */
export function mergeAxes(axes: readonly CopyAxis[]): CopyAxis[] {
  const merged: CopyAxis[] = [];
  for (const axis of axes) {
    if (axis.size === 1) continue;
    const last = merged[merged.length - 1];
    if (last && last.from === axis.size * axis.from && last.to === axis.size * axis.to)
      merged[merged.length - 1] = { ...axis, size: last.size * axis.size };
    else merged.push(axis);
  }
  return merged;
}

/**
 * Copies elements of four bytes between two layouts; `axes` are in the order of the target, from the slowest to the
 * fastest. Takes whole rows where the fastest axis is the same in both, and transposes squares where it is not.
 */
export function copyLayout(host: KernelHost, from: number, to: number, axes: readonly CopyAxis[]): void {
  if (axes.some(({ size }) => size === 0)) return;
  const merged = mergeAxes(axes);
  const single: CopyAxis = { size: 1, from: 1, to: 1 };
  const last = merged[merged.length - 1] ?? single;
  const lines = last.from === 1 ? undefined : merged.findIndex((axis) => axis.from === 1);
  const transposed = last.to === 1 && lines !== undefined && lines >= 0;
  // A stack of rows, or a matrix whose rows run along the target's fastest axis.
  const inner = transposed ? (merged[lines] ?? single) : last.from === 1 && last.to === 1 ? last : single;
  const rest = merged.filter((axis) => axis !== inner);
  const stack = rest.pop() ?? single;
  const toStep = transposed ? inner.to : stack.to;
  const run = (table: number): void => {
    rest.forEach(({ size, from: fromStep, to: toStep }, axis) => {
      [size, fromStep, toStep, 0].forEach((value, i) => {
        host.call('storeInteger', table, 4 * axis + i, value);
      });
    });
    host.call(
      'copyLayout',
      from,
      to,
      table,
      rest.length,
      transposed ? 1 : 0,
      stack.size,
      stack.from,
      toStep,
      inner.size,
    );
  };
  if (rest.length === 0) run(0);
  else host.withScratch(16 * rest.length, run);
}
