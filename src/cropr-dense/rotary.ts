import { add, cast, concat, matMul, mul, reshape, slice, type Tensor, tensor, tensor2d } from '@tensorflow/tfjs-core';
import { withGradient } from '../ops/custom_gradient.js';
import { runFused } from '../ops/fused.js';
import { takeTokens } from '../ops/gather_tokens.js';
import type { Grid } from './grid.js';

/** Base of the wavelengths. */
const TEMPERATURE = 10_000;

/**
 * Sines and cosines of rotary positions on a grid: `[1 + rows · columns, 2 · depth]`, sines first, for heads of width
 * `depth` (a multiple of 4).
 *
 * A cell's coordinates count along `reference`, the grid of the pretraining, so that another resolution spans the same
 * range; each of `depth / 4` wavelengths is used for the row, then for the column, each twice in a row. Row 0 is the class
 * token's, which is not rotated (sine 0, cosine 1): so a token's id is its row.
 */
export function rotaryTable([rows, columns]: Grid, depth: number, reference: Grid = [rows, columns]): Float32Array {
  const bands = Array.from({ length: depth / 4 }, (_, i) => TEMPERATURE ** (-i / (depth / 4)));
  const table = new Float32Array((1 + rows * columns) * 2 * depth);
  table.fill(1, depth, 2 * depth);
  for (let cell = 0; cell < rows * columns; cell++) {
    const row = (Math.floor(cell / columns) / rows) * reference[0];
    const column = ((cell % columns) / columns) * reference[1];
    const angles = [row, column].flatMap((place) => bands.flatMap((band) => [place * band, place * band]));
    const begin = (1 + cell) * 2 * depth;
    for (const [i, angle] of angles.entries()) {
      table[begin + i] = Math.sin(angle);
      table[begin + depth + i] = Math.cos(angle);
    }
  }
  return table;
}

/** A {@link rotaryTable} as a tensor `[rows, 2 · depth]`. */
export function tableTensor(table: Float32Array, depth: number): Tensor {
  return tensor(table, [table.length / (2 * depth), 2 * depth]);
}

/**
 * The rows of a {@link rotaryTable} `[cells, 2 · depth]` that belong to tokens `ids [B, M]`: `[B, M, 2 · depth]`.
 */
function positionsOf(table: Tensor, ids: Tensor): Tensor {
  const [batch, tokens] = ids.shape as [number, number];
  const [cells, width] = table.shape as [number, number];
  const rows = takeTokens(reshape(table, [1, cells, width]), reshape(ids, [1, batch * tokens]));
  return reshape(rows, [batch, tokens, width]);
}

/** `[depth, depth]`: a row (x0, x1, x2, x3, ...) times it is (-x1, x0, -x3, x2, ...). */
function quarterTurn(depth: number): Tensor {
  const values = new Float32Array(depth * depth);
  for (let i = 0; i < depth; i += 2) {
    values[(i + 1) * depth + i] = -1;
    values[i * depth + i + 1] = 1;
  }
  return tensor2d(values, [depth, depth]);
}

/** Turns neighbouring features of `x [B, M, groups, depth]` by the angles of sine and cosine `[B or 1, M, 1, depth]`. */
function turn(x: Tensor, sine: Tensor, cosine: Tensor): Tensor {
  const depth = x.shape[3] as number;
  const turned = reshape(matMul(reshape(x, [-1, depth]), quarterTurn(depth)), x.shape);
  return add(mul(x, cosine), mul(turned, sine));
}

/** Turns queries and keys of a packed `qkv [B, M, 3D]`; values stay. */
function turnPacked(qkv: Tensor, sine: Tensor, cosine: Tensor): Tensor {
  const [batch, tokens, width] = qkv.shape as [number, number, number];
  const depth = sine.shape[3] as number;
  const turning = (2 * width) / 3;
  const both = reshape(slice(qkv, [0, 0, 0], [batch, tokens, turning]), [batch, tokens, turning / depth, depth]);
  const values = slice(qkv, [0, 0, turning], [batch, tokens, width - turning]);
  return concat([reshape(turn(both, sine, cosine), [batch, tokens, turning]), values], 2);
}

/** Where tokens are: the rows of a {@link rotaryTable} `[cells, 2 · depth]` that `ids [B, M]` name, without ids the first M. */
export interface Places {
  table: Tensor;
  /** Between the layers of a model tfjs hands ids over as float32. */
  ids?: Tensor | undefined;
}

/** The rotation of packed queries and keys; `direction` -1 is that back. */
function rotated(qkv: Tensor, { table, ids }: Places, direction: 1 | -1): Tensor {
  const [fused] = runFused('LLFRotate', { x: qkv, table, ...(ids && { ids }) }, { back: direction === -1 });
  if (fused) return fused;
  const tokens = qkv.shape[1] as number;
  const width = table.shape[1] as number;
  const positions = ids ? positionsOf(table, ids) : reshape(slice(table, 0, tokens), [1, tokens, width]);
  const half = (begin: number): Tensor =>
    reshape(slice(positions, [0, 0, begin], [-1, tokens, width / 2]), [-1, tokens, 1, width / 2]);
  const sine = half(0);
  return turnPacked(qkv, direction === 1 ? sine : mul(sine, -1), half(width / 2));
}

/**
 * Rotates queries and keys of a packed `qkv [B, M, 3D]`, head-major, by the places of their tokens. The gradient flows to
 * `qkv`: it is the rotation back.
 */
export function rotateQueriesAndKeys(qkv: Tensor, { table, ids }: Places): Tensor {
  return withGradient(
    [qkv],
    (x) => {
      const places = { table, ...(ids && { ids: cast(ids, 'int32') }) };
      return { value: rotated(x, places, 1), saved: places };
    },
    (dy, places) => [rotated(dy, places, -1)],
  );
}
