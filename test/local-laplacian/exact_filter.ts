import type { Pyramid } from '../../src/local-laplacian/pyramid_operators.js';
import {
  applyBands,
  type Bands,
  compose,
  downMatrix,
  identityMatrix,
  type PlainImage,
  type Row,
  upMatrix,
} from './plain_pyramid.js';

/** Details below this are noise, see `src/local-laplacian/remap.ts`. */
const NOISE = 0.01;

/** The remap functions with three parameters, number by number in plain TypeScript. */
export const plainRemap: Readonly<
  Record<'gauss' | 'paris', (sigma: number, alpha: number, beta: number, isBlended?: boolean) => (d: number) => number>
> = {
  gauss: (sigma, alpha, beta) => (d) => beta * d + alpha * d * Math.exp((-d * d) / (2 * sigma * sigma)),
  paris: (sigma, alpha, beta, isBlended = true) => {
    return (d) => {
      const size = Math.abs(d);
      if (size > sigma) return Math.sign(d) * (beta * (size - sigma) + sigma);
      const share = size / sigma;
      const ramp = isBlended && alpha < 1 ? Math.min(Math.max((size - NOISE) / NOISE, 0), 1) : 1;
      const tau = (ramp * (ramp - 2)) ** 2;
      return Math.sign(d) * sigma * (tau * share ** alpha + (1 - tau) * share);
    };
  },
};

/** The matrices of one level: to the level (`fine`), and to the next and back (`coarse`); and from the next to this. */
interface LevelBands {
  readonly fine: Bands;
  readonly coarse: Bands;
  readonly up: Bands;
}

function bandsOf(pyramid: Pyramid, height: number, width: number, levels: number): LevelBands[] {
  const axis = (length: number): { fine: Row[]; coarse: Row[]; up: Row[] }[] => {
    let fine = identityMatrix(length);
    return Array.from({ length: levels - 1 }, () => {
      const next = compose(downMatrix(pyramid, fine.length), fine);
      const up = upMatrix(pyramid, fine.length);
      const level = { fine, coarse: compose(up, next), up };
      fine = next;
      return level;
    });
  };
  const columns = axis(width);
  return axis(height).map((rows, l) => {
    const across = columns[l] as (typeof columns)[number];
    const both = (part: 'fine' | 'coarse' | 'up'): Bands => ({ rows: rows[part], columns: across[part] });
    return { fine: both('fine'), coarse: both('coarse'), up: both('up') };
  });
}

/** Sum over a window of row weight x column weight x m(pixel - mean). */
function weighed(row: Row, column: Row, { width, values }: PlainImage, mean: number, m: (d: number) => number): number {
  let sum = 0;
  row.entries.forEach((weight, i) => {
    const from = (row.start + i) * width + column.start;
    let line = 0;
    column.entries.forEach((other, j) => {
      line += other * m((values[from + j] as number) - mean);
    });
    sum += weight * line;
  });
  return sum;
}

/** The filtered image: each coefficient from the whole image remapped around the local mean at its place. */
function filtered(
  image: PlainImage,
  bands: readonly LevelBands[],
  pyramid: Pyramid,
  m: (d: number) => number,
): PlainImage {
  const levels = bands.map(({ fine, coarse }) => {
    const level = applyBands(fine, image);
    const values = level.values.map((mean, i) => {
      const [y, x] = [Math.floor(i / level.width), i % level.width];
      const at = ({ rows, columns }: Bands): number => weighed(rows[y] as Row, columns[x] as Row, image, mean, m);
      return at(fine) - at(coarse);
    });
    return { ...level, values };
  });
  const last = bands[bands.length - 1];
  if (!last) return image;
  const half = (rows: readonly Row[]): Row[] => compose(downMatrix(pyramid, rows.length), rows);
  let result = applyBands({ rows: half(last.fine.rows), columns: half(last.fine.columns) }, image);
  for (let l = bands.length - 1; l >= 0; l--) {
    const raised = applyBands((bands[l] as LevelBands).up, result);
    const level = levels[l] as PlainImage;
    result = { ...level, values: raised.values.map((value, i) => value + (level.values[i] as number)) };
  }
  return result;
}

/**
 * The local Laplacian filter as it is defined, without samples of the local mean: the reference that the fast one comes near
 * to. In float64.
 */
export function exactFilter(
  image: PlainImage,
  levels: number,
  pyramid: Pyramid,
  m: (d: number) => number,
): Float64Array {
  return filtered(image, bandsOf(pyramid, image.height, image.width, levels), pyramid, m).values;
}
