import type { Pyramid } from '../../local-laplacian/pyramid_operators.js';
import type { Size } from '../../local-laplacian/size.js';

/**
 * Halving and doubling of image levels in GLSL. Both are banded matrices along each axis; their entries are functions of
 * places, which are 0 beyond the ends, so that the borders need no care of their own.
 */

const BURT_TAPS = `
  float tapOf(int i) {
    return i == 0 ? 0.4 : i == 1 || i == -1 ? 0.25 : i == 2 || i == -2 ? 0.05 : 0.0;
  }`;

/** Entry of the matrix that halves n samples: coarse sample r, fine sample x. */
const BURT_DOWN = `${BURT_TAPS}
  float downEntry(int n, int r, int x) {
    if (r < 0 || 2 * r >= n || x < 0 || x >= n) return 0.0;
    float sum = 0.0;
    for (int i = -2; i <= 2; i++) {
      if (2 * r + i >= 0 && 2 * r + i < n) sum += tapOf(i);
    }
    return tapOf(x - 2 * r) / sum;
  }`;

const BINOMIAL_DOWN = `
  int reflected(int i, int n) {
    if (n == 1) return 0;
    if (i < 0) i = -i;
    if (i >= n) i = 2 * (n - 1) - i;
    // Two samples have but one way back.
    return i < 0 ? -i : i;
  }
  float downEntry(int n, int r, int x) {
    if (r < 0 || 2 * r >= n || x < 0 || x >= n) return 0.0;
    float sum = 0.0;
    for (int i = -2; i <= 2; i++) {
      if (reflected(2 * r + i, n) == x) sum += i == 0 ? 0.375 : i == 1 || i == -1 ? 0.25 : 0.0625;
    }
    return sum;
  }`;

/** Entry of the matrix that doubles to n samples: fine sample x, coarse sample k. */
const BURT_UP = `
  float upEntry(int n, int x, int k) {
    if (k < 0 || 2 * k >= n || x < 0 || x >= n) return 0.0;
    float sum = 0.0;
    for (int i = -2; i <= 2; i++) {
      int place = x + i;
      if (place >= 0 && place < n && place == 2 * (place / 2)) sum += tapOf(i);
    }
    return tapOf(2 * k - x) / sum;
  }`;

/** Interpolation in between; on a coarse sample, `side` of both neighbours, reflected before and repeated after. */
function interpolatedUp(side: string): string {
  return `
  float upEntry(int n, int x, int k) {
    if (k < 0 || 2 * k >= n || x < 0 || x >= n) return 0.0;
    int last = (n + 1) / 2 - 1;
    int here = x / 2;
    int next = here < last ? here + 1 : last;
    if (x != 2 * here) return (k == here ? 0.5 : 0.0) + (k == next ? 0.5 : 0.0);
    int before = here > 0 ? here - 1 : last > 0 ? 1 : 0;
    return (k == here ? 1.0 - 2.0 * ${side} : 0.0) + (k == before ? ${side} : 0.0) + (k == next ? ${side} : 0.0);
  }`;
}

/** The functions `downEntry` and `upEntry` of a convention. */
export const ENTRIES: Readonly<Record<Pyramid, string>> = {
  paris: BURT_DOWN + BURT_UP,
  opencv: BINOMIAL_DOWN + interpolatedUp('0.125'),
  lin: BURT_DOWN + interpolatedUp('0.0'),
};

/** A map between two levels. */
type LevelMap = 'down' | 'up' | 'downAdjoint' | 'upAdjoint';

/**
 * A function `name(b, y, x, c)`: a sample of what a map makes of another level. The size is that of the finer level; `value`
 * is what stands at `row` and `column` of the other one.
 */
export function mapCode(name: string, map: LevelMap, [height, width]: Size, value: string): string {
  const shrinks = map === 'down' || map === 'upAdjoint';
  const taps = shrinks ? 5 : 3;
  const first = (place: string): string => (shrinks ? `2 * ${place} - 2` : `${place} / 2 - 1`);
  const entry = (length: number, target: string, source: string): string => {
    const matrix = map === 'down' || map === 'downAdjoint' ? 'downEntry' : 'upEntry';
    // The coarse sample comes first in the one, the fine one in the other.
    const isInOrder = map === 'down' || map === 'up';
    return `${matrix}(${length}, ${isInOrder ? `${target}, ${source}` : `${source}, ${target}`})`;
  };
  return `
  float ${name}(int b, int y, int x, int c) {
    float across[${taps}];
    for (int j = 0; j < ${taps}; j++) across[j] = ${entry(width, 'x', `${first('x')} + j`)};
    float sum = 0.0;
    for (int i = 0; i < ${taps}; i++) {
      int row = ${first('y')} + i;
      float weight = ${entry(height, 'y', 'row')};
      if (weight == 0.0) continue;
      for (int j = 0; j < ${taps}; j++) {
        int column = ${first('x')} + j;
        if (across[j] != 0.0) sum += weight * across[j] * ${value};
      }
    }
    return sum;
  }`;
}
