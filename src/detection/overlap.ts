/** A box in pixels, `[top, left, bottom, right]`, the latter two exclusive. */
export type Box = readonly [top: number, left: number, bottom: number, right: number];

/** What has a box. */
export interface Boxed {
  /** `[top, left, bottom, right]`. */
  readonly box: Box;
}

/** What has a mask: the numbers of its pixels, each once, ascending. */
export interface Masked {
  /** Numbers of pixels. */
  readonly mask: ArrayLike<number>;
}

function areaOf([top, left, bottom, right]: Box): number {
  return Math.max(0, bottom - top) * Math.max(0, right - left);
}

/**
 * Intersection over union of two boxes, 0 where both are empty.
 *
 * @example
 * ```ts
 * import { boxOverlap } from 'tfjs-llf';
 *
 * if (boxOverlap({ box: [0, 0, 2, 2] }, { box: [0, 1, 2, 3] }) !== 1 / 3) throw new Error('2 of 6 pixels');
 * ```
 */
export function boxOverlap(a: Boxed, b: Boxed): number {
  const common = areaOf([
    Math.max(a.box[0], b.box[0]),
    Math.max(a.box[1], b.box[1]),
    Math.min(a.box[2], b.box[2]),
    Math.min(a.box[3], b.box[3]),
  ]);
  const union = areaOf(a.box) + areaOf(b.box) - common;
  return union > 0 ? common / union : 0;
}

/**
 * Intersection over union of two masks, 0 where both are empty.
 *
 * @example
 * ```ts
 * import { maskOverlap } from 'tfjs-llf';
 *
 * if (maskOverlap({ mask: [3, 4, 5] }, { mask: [5, 6] }) !== 1 / 4) throw new Error('1 of 4 pixels');
 * ```
 */
export function maskOverlap(a: Masked, b: Masked): number {
  let [i, j, common] = [0, 0, 0];
  while (i < a.mask.length && j < b.mask.length) {
    const [p, q] = [a.mask[i] as number, b.mask[j] as number];
    if (p === q) common++;
    if (p <= q) i++;
    if (q <= p) j++;
  }
  const union = a.mask.length + b.mask.length - common;
  return union > 0 ? common / union : 0;
}
