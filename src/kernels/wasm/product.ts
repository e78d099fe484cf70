import type { KernelHost } from './host.js';

/** An axis along which products repeat: its size, and the floats from one matrix to the next (0: the same one for all). */
export interface BatchAxis {
  readonly size: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly start?: number;
}

/** Where a matrix lies: the floats from row to row, and from column to column. */
export interface MatrixLayout {
  readonly pointer: number;
  readonly row: number;
  readonly column: number;
}

/** c = activation(start + a · b) for each index of the batch. The columns of c and of start are neighbours. */
export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: MatrixLayout;
  readonly b: MatrixLayout;
  readonly c: Omit<MatrixLayout, 'column'>;
  readonly batch: readonly BatchAxis[];
  /** What the sum starts from: row 0 is one bias for all rows. */
  readonly start?: Omit<MatrixLayout, 'column'>;
  readonly activation?: Activation;
}

/** An activation by its number in the compiled kernels, with the slope, or the address of a slope for each column. */
export interface Activation {
  readonly kind: number;
  readonly alpha?: number;
  readonly slopes?: number;
}

/** Batch axes without those of size 1, neighbours merged where they run on in every operand. */
export function mergeBatch(batch: readonly BatchAxis[]): BatchAxis[] {
  const merged: BatchAxis[] = [];
  for (const axis of batch) {
    if (axis.size === 1) continue;
    const last = merged[merged.length - 1];
    const runsOn =
      last !== undefined &&
      (['a', 'b', 'c', 'start'] as const).every((name) => (last[name] ?? 0) === axis.size * (axis[name] ?? 0));
    if (runsOn) merged[merged.length - 1] = { ...axis, size: last.size * axis.size };
    else merged.push(axis);
  }
  return merged;
}

/** The product with its last batch axis taken as more rows of a, if all of them meet the same b. */
export function foldRows(product: Product): Product {
  if (product.batch.length === 0) return product;
  const batch = mergeBatch(product.batch);
  const last = batch[batch.length - 1];
  const { m, a, c, start } = product;
  const folds =
    last?.b === 0 && last.a === m * a.row && last.c === m * c.row && (last.start ?? 0) === m * (start?.row ?? 0);
  return folds ? foldRows({ ...product, m: m * last.size, batch: batch.slice(0, -1) }) : { ...product, batch };
}

const SINGLE: BatchAxis = { size: 1, a: 0, b: 0, c: 0 };

/** Multiplies matrices in the backend's memory. Sizes must be positive, but for k. */
export function multiply(host: KernelHost, product: Product): void {
  const folded = foldRows(product);
  const bytes = host.call('gemmScratch', folded.m, folded.n, folded.k);
  host.withScratch(bytes, (scratch) => multiplyFrom(host, folded, 0, scratch));
}

/** Multiplies along the batch axes from `depth` on: the last one in the compiled kernel, those before it here. */
function multiplyFrom(host: KernelHost, product: Product, depth: number, scratch: number): void {
  const { m, n, k, a, b, c, start, activation, batch } = product;
  const axis = batch[depth] ?? SINGLE;
  if (depth < batch.length - 1) {
    for (let i = 0; i < 4 * axis.size; i += 4) {
      const moved = {
        ...product,
        a: { ...a, pointer: a.pointer + i * axis.a },
        b: { ...b, pointer: b.pointer + i * axis.b },
        c: { ...c, pointer: c.pointer + i * axis.c },
        ...(start && { start: { ...start, pointer: start.pointer + i * (axis.start ?? 0) } }),
      };
      multiplyFrom(host, moved, depth + 1, scratch);
    }
    return;
  }
  // biome-ignore format: one line for each operand
  host.call(
    'gemmBatch',
    axis.size, axis.a, axis.b, axis.c, axis.start ?? 0,
    a.pointer, a.row, a.column,
    b.pointer, b.row, b.column,
    c.pointer, c.row,
    m, n, k,
    start?.pointer ?? 0, start?.row ?? 0,
    activation?.kind ?? 0, activation?.alpha ?? 0, activation?.slopes ?? 0,
    scratch,
  );
}
