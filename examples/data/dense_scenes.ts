import type { RandomStream } from 'tfjs-llf';

/** The label of pixels without a digit; 0 .. 9 are the digits. */
export const BACKGROUND = 10;
/** The label of pixels with so little ink that they are neither, at the border of a stroke. */
export const BORDER = 255;
/** From here on ink belongs to a digit, and below this it is paper. */
const INK = 0.5;
const PAPER = 0.1;

/** Digits of one size: squares of `side` pixels one after another, as `shrinkDigits` makes them, and their classes. */
export interface DigitSet {
  side: number;
  pixels: Float32Array;
  labels: ArrayLike<number>;
}

/** What a scene looks like. */
export interface DenseSceneConfig {
  /** Side of the square scene, in pixels. */
  canvas: number;
  /** Fewest and most digits of a scene; a digit that finds no place is left out. */
  count: readonly [number, number];
  /** Largest share of a digit's square that may lie over another's, of 0 .. 1. */
  overlap: number;
  /** A digit's corner is a multiple of this many pixels. Default 1. */
  step?: number;
  /** Number of fragments of other digits strewn over the scene, which are background. */
  clutter: number;
  /** Side of a fragment. */
  fragment: number;
}

/** A digit in a scene. */
interface SceneObject {
  /** 0 .. 9. */
  label: number;
  /** Tight around what is seen of it, `[top, left, bottom, right]` in pixels, the latter two exclusive. */
  box: readonly [number, number, number, number];
  /** The pixels that are seen of it, by number (row · canvas + column), ascending. */
  mask: Int32Array;
}

/** Scenes, one after another. */
export interface DenseScenes {
  /** Ink in [0, 1]: `[scenes, canvas, canvas]`. */
  images: Float32Array;
  /** The class of each pixel, {@link BACKGROUND} or {@link BORDER}: `[scenes, canvas, canvas]`. */
  labels: Int32Array;
  /** The digits of each scene. */
  objects: SceneObject[][];
}

/** A square of ink on its way to the canvas. */
interface Stamp {
  set: DigitSet;
  index: number;
  top: number;
  left: number;
}

/**
 * Composes scenes of several real MNIST digits of several sizes, which may overlap, among fragments of other real digits,
 * with what segmentation and detection learn from: a label for each pixel, a box and a mask for each digit.
 *
 * Where digits overlap, a pixel belongs to the one with the most ink there, of equal ones to the later; the picture shows
 * the most ink. A digit of which nothing is seen is no object. Everything random comes from the stream: the same stream
 * gives the same scenes.
 */
export class DenseSceneComposer {
  constructor(
    private readonly sets: readonly DigitSet[],
    readonly config: DenseSceneConfig,
  ) {}

  /** Draws `count` scenes. */
  compose(count: number, stream: RandomStream): DenseScenes {
    const size = this.config.canvas ** 2;
    const images = new Float32Array(count * size);
    const labels = new Int32Array(count * size).fill(BACKGROUND);
    const objects = Array.from({ length: count }, (_, i) => {
      const range = [i * size, (i + 1) * size] as const;
      return this.draw(images.subarray(...range), labels.subarray(...range), stream);
    });
    return { images, labels, objects };
  }

  private draw(image: Float32Array, labels: Int32Array, stream: RandomStream): SceneObject[] {
    const { canvas, count, step = 1, clutter, fragment } = this.config;
    for (let i = 0; i < clutter; i++) {
      const { set, index } = this.pick(stream);
      const place = (side: number): number => stream.integer(side - fragment + 1);
      const from = [place(set.side), place(set.side)] as const;
      const stamp = { set, index, top: place(canvas), left: place(canvas) };
      this.ink(stamp, from, fragment, (pixel, ink) => {
        image[pixel] = Math.max(image[pixel] as number, ink);
      });
    }
    const digits: Stamp[] = [];
    const wanted = count[0] + stream.integer(count[1] - count[0] + 1);
    // So many tries that a place which exists is found nearly always.
    for (let tries = 0; digits.length < wanted && tries < 20 * wanted; tries++) {
      const { set, index } = this.pick(stream);
      const place = (): number => step * stream.integer(Math.floor((canvas - set.side) / step) + 1);
      const digit = { set, index, top: place(), left: place() };
      if (digits.every((other) => overlapOf(digit, other) <= this.config.overlap)) digits.push(digit);
    }
    return this.paint(digits, image, labels);
  }

  /** Puts the digits into picture and labels. */
  private paint(digits: readonly Stamp[], image: Float32Array, labels: Int32Array): SceneObject[] {
    const strongest = new Float32Array(image.length);
    const owner = new Int32Array(image.length).fill(-1);
    for (const [i, digit] of digits.entries()) {
      this.ink(digit, [0, 0], digit.set.side, (pixel, ink) => {
        image[pixel] = Math.max(image[pixel] as number, ink);
        if (ink < PAPER || ink < (strongest[pixel] as number)) return;
        strongest[pixel] = ink;
        owner[pixel] = i;
      });
    }
    const masks: number[][] = digits.map(() => []);
    for (const [pixel, i] of owner.entries()) {
      if (i < 0) continue;
      const seen = (strongest[pixel] as number) >= INK;
      labels[pixel] = seen ? labelOf(digits[i] as Stamp) : BORDER;
      if (seen) masks[i]?.push(pixel);
    }
    return masks.flatMap((mask, i) =>
      mask.length === 0
        ? []
        : [{ label: labelOf(digits[i] as Stamp), box: this.boxOf(mask), mask: Int32Array.from(mask) }],
    );
  }

  private boxOf(mask: readonly number[]): SceneObject['box'] {
    const { canvas } = this.config;
    const rows = mask.map((pixel) => Math.floor(pixel / canvas));
    const columns = mask.map((pixel) => pixel % canvas);
    return [Math.min(...rows), Math.min(...columns), Math.max(...rows) + 1, Math.max(...columns) + 1];
  }

  /** A size and a digit, each as likely as the others. */
  private pick(stream: RandomStream): Pick<Stamp, 'set' | 'index'> {
    const set = this.sets[stream.integer(this.sets.length)] as DigitSet;
    return { set, index: stream.integer(set.labels.length) };
  }

  /** Calls `visit` for each pixel of the canvas under the part of `side` pixels from `[y, x]` on of a digit. */
  private ink(
    { set, index, top, left }: Stamp,
    [y, x]: readonly [number, number],
    side: number,
    visit: (pixel: number, ink: number) => void,
  ): void {
    const start = index * set.side ** 2;
    for (let i = 0; i < side; i++) {
      for (let j = 0; j < side; j++) {
        visit((top + i) * this.config.canvas + left + j, set.pixels[start + (y + i) * set.side + x + j] as number);
      }
    }
  }
}

function labelOf({ set, index }: Stamp): number {
  return set.labels[index] as number;
}

/** The share of the smaller square that lies over the other. */
function overlapOf(a: Stamp, b: Stamp): number {
  const along = (from: 'top' | 'left'): number =>
    Math.max(0, Math.min(a[from] + a.set.side, b[from] + b.set.side) - Math.max(a[from], b[from]));
  return (along('top') * along('left')) / Math.min(a.set.side, b.set.side) ** 2;
}
