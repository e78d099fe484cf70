import type { RandomStream } from 'tfjs-llf';

/** MNIST centres each digit's 20 x 20 box in an image of 28 x 28. */
const SIDE = 28;
const BOX = 20;

/** What a scene looks like. */
export interface SceneConfig {
  /** Side of the square scene, in pixels. */
  canvas: number;
  /** Side of the digits, in pixels. */
  digit: number;
  /** The digit's corner is a multiple of this. */
  step: number;
  /** Number of fragments of other digits strewn over the scene. */
  clutter: number;
  /** Side of a fragment. */
  fragment: number;
}

/** Where the digit of a scene lies, and the number of the image that it comes from. */
export interface Scene {
  index: number;
  top: number;
  left: number;
}

/**
 * Composes scenes: a real MNIST digit on a larger canvas, among fragments of other real digits, so that most patches say
 * nothing about the class although many are not empty.
 *
 * Everything random comes from the stream: the same stream gives the same scenes. Where ink overlaps, the darker stays.
 */
export class SceneComposer {
  private readonly count: number;

  /** `digits` holds squares of `config.digit` pixels one after another, as {@link shrinkDigits} makes them. */
  constructor(
    private readonly digits: Float32Array,
    readonly config: SceneConfig,
  ) {
    this.count = digits.length / config.digit ** 2;
  }

  /** Draws a scene with digit `index` into `target` from `offset` on; `target` must hold zeros there. */
  draw(index: number, stream: RandomStream, target: Float32Array, offset: number): Scene {
    const { canvas, digit, step, clutter, fragment } = this.config;
    for (let i = 0; i < clutter; i++) {
      const from = { index: stream.integer(this.count), y: stream.integer(digit - fragment + 1), x: 0 };
      from.x = stream.integer(digit - fragment + 1);
      const top = stream.integer(canvas - fragment + 1);
      this.stamp(from, fragment, target, offset + top * canvas + stream.integer(canvas - fragment + 1));
    }
    const places = Math.floor((canvas - digit) / step) + 1;
    const top = step * stream.integer(places);
    const left = step * stream.integer(places);
    this.stamp({ index, y: 0, x: 0 }, digit, target, offset + top * canvas + left);
    return { index, top, left };
  }

  /** Scenes for digits `indices`, one after another: `indices.length · canvas · canvas` numbers in [0, 1]. */
  compose(indices: ArrayLike<number>, stream: RandomStream): Float32Array {
    const size = this.config.canvas ** 2;
    const scenes = new Float32Array(indices.length * size);
    for (let i = 0; i < indices.length; i++) this.draw(indices[i] as number, stream, scenes, i * size);
    return scenes;
  }

  private stamp(
    from: { index: number; y: number; x: number },
    side: number,
    target: Float32Array,
    place: number,
  ): void {
    const { canvas, digit } = this.config;
    const source = from.index * digit * digit + from.y * digit + from.x;
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const ink = this.digits[source + y * digit + x] as number;
        const at = place + y * canvas + x;
        if (ink > (target[at] as number)) target[at] = ink;
      }
    }
  }
}

/** Row by row, the share of each old pixel in a new one: `[to][from]`, rows add up to 1. */
function areaWeights(from: number, to: number): number[][] {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) =>
    Array.from({ length: from }, (_, j) => {
      const overlap = Math.min((i + 1) * scale, j + 1) - Math.max(i * scale, j);
      return Math.max(0, overlap) / scale;
    }),
  );
}

/** Averages the 20 x 20 box of each image of 28 x 28 bytes over areas to `side` x `side` numbers in [0, 1]. */
export function shrinkDigits(pixels: Uint8Array, side: number): Float32Array {
  const count = pixels.length / (SIDE * SIDE);
  const margin = (SIDE - BOX) / 2;
  const weights = areaWeights(BOX, side).map((row) =>
    row.flatMap((share, j) => (share > 0 ? [[j, share] as const] : [])),
  );
  const small = new Float32Array(count * side * side);
  for (let image = 0; image < count; image++) {
    const corner = image * SIDE * SIDE + margin * SIDE + margin;
    for (const [y, rows] of weights.entries()) {
      for (const [x, columns] of weights.entries()) {
        let ink = 0;
        for (const [i, rowShare] of rows) {
          for (const [j, share] of columns) ink += rowShare * share * (pixels[corner + i * SIDE + j] as number);
        }
        small[(image * side + y) * side + x] = ink / 255;
      }
    }
  }
  return small;
}
