/** Rows of numbers of one length. */
export type Matrix = number[][];

/** Numbers and their shape. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Keys' cubic with a = -1/2. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

/**
 * The matrix `[to][from]` of bicubic resampling along one axis with half-pixel centres, smoothed where it makes smaller:
 * torch's `interpolate(mode='bicubic', antialias=True)`.
 */
export function cubicMatrix(from: number, to: number): Matrix {
  const scale = from / to;
  const width = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5);
    const weights = Array.from({ length: from }, (_, j) => cubic((j + 0.5 - centre) / width));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  });
}

function transposed(a: Matrix): Matrix {
  return (a[0] ?? []).map((_, j) => a.map((row) => row[j] as number));
}

function product(a: Matrix, b: Matrix): Matrix {
  const columns = transposed(b);
  return a.map((row) => columns.map((column) => row.reduce((sum, x, k) => sum + x * (column[k] as number), 0)));
}

/** `a⁻¹ b` for a symmetric positive definite matrix, by elimination. */
function solve(a: Matrix, b: Matrix): Matrix {
  const rows = a.map((row, i) => [...row, ...(b[i] as number[])]);
  for (const [i, row] of rows.entries()) {
    const pivot = row.map((value) => value / (row[i] as number));
    for (const [k, other] of rows.entries()) {
      const factor = other[i] as number;
      rows[k] = k === i ? pivot : other.map((value, j) => value - factor * (pivot[j] as number));
    }
  }
  return rows.map((row) => row.slice(a.length));
}

/**
 * The matrix `[to][from]` that resamples a kernel so that its product with a resampled patch is that of old kernel and old
 * patch (FlexiViT, arXiv 2212.08013): the transposed pseudo-inverse of the resampling of patches. To a smaller patch it
 * is the nearest there is.
 */
export function kernelMatrix(from: number, to: number): Matrix {
  const resize = cubicMatrix(from, to);
  if (to < from) return solve(product(resize, transposed(resize)), resize);
  return transposed(solve(product(transposed(resize), resize), transposed(resize)));
}

/** Applies a matrix `[to][from]` along one axis. */
export function along({ shape, values }: Numbers, axis: number, matrix: Matrix): Numbers {
  const size = (sides: readonly number[]): number => sides.reduce((product, side) => product * side, 1);
  const [from, inner] = [shape[axis] as number, size(shape.slice(axis + 1))];
  const result = new Float32Array((values.length / from) * matrix.length);
  for (let outer = 0; outer < values.length / from / inner; outer++) {
    for (const [i, row] of matrix.entries()) {
      for (let k = 0; k < inner; k++) {
        let sum = 0;
        for (let j = 0; j < from; j++) sum += (row[j] as number) * (values[(outer * from + j) * inner + k] as number);
        result[(outer * matrix.length + i) * inner + k] = sum;
      }
    }
  }
  return { shape: shape.map((side, i) => (i === axis ? matrix.length : side)), values: result };
}

/** Both first axes of a kernel `[old, old, C, D]` resampled to `side`. */
export function resampleKernel(kernel: Numbers, side: number): Numbers {
  const [rows, columns] = kernel.shape as [number, number];
  return along(along(kernel, 0, kernelMatrix(rows, side)), 1, kernelMatrix(columns, side));
}

/**
 * Positions `[1, first + old · old, D]` of a square grid resampled to `[1, first + rows · columns, D]`; the `first` of them
 * (0 or 1, the class token's) stays. Undefined if there is no such square.
 */
export function resamplePositions({ shape, values }: Numbers, rows: number, columns: number): Numbers | undefined {
  const [, count = 0, dim = 0] = shape;
  const old = Math.floor(Math.sqrt(count));
  const first = count - old * old;
  if (first > 1) return undefined;
  const grid = { shape: [old, old, dim], values: values.subarray(first * dim) };
  const resampled = along(along(grid, 0, cubicMatrix(old, rows)), 1, cubicMatrix(old, columns)).values;
  const all = new Float32Array(first * dim + resampled.length);
  all.set(values.subarray(0, first * dim));
  all.set(resampled, first * dim);
  return { shape: [1, first + rows * columns, dim], values: all };
}
