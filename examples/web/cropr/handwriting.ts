/** Ink of any size as a digit like those that the net has seen. Plain numbers. */
import { SIDE } from '../data/digits.js';

/** Side of the box that MNIST's digits fill. */
const BOX = 20;
/** Less ink is a blot. */
const FAINT = 0.15;

/** Grey values from 0 to 1, a square. */
export interface Ink {
  side: number;
  values: Float32Array;
}

const at = ({ side, values }: Ink, y: number, x: number): number =>
  y < 0 || x < 0 || y >= side || x >= side ? 0 : (values[y * side + x] as number);

/** Between four pixels. */
function between(ink: Ink, y: number, x: number): number {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [v, u] = [y - top, x - left];
  const row = (one: number): number => at(ink, one, left) * (1 - u) + at(ink, one, left + 1) * u;
  return row(top) * (1 - v) + row(top + 1) * v;
}

/** As MNIST was made: what is inked fills a box of 20 pixels, and its centre of mass lies in the middle of 28. */
export function asDigit(ink: Ink): Float32Array {
  const { side, values } = ink;
  const inked = [...values.keys()].filter((i) => (values[i] as number) > FAINT);
  const digit = new Float32Array(SIDE * SIDE);
  if (inked.length === 0) return digit;
  const [ys, xs] = [inked.map((i) => Math.floor(i / side)), inked.map((i) => i % side)];
  const ends = (all: readonly number[]): [number, number] => [
    all.reduce((a, b) => Math.min(a, b)),
    all.reduce((a, b) => Math.max(a, b)),
  ];
  const [[top, bottom], [left, right]] = [ends(ys), ends(xs)];
  const scale = Math.max(bottom - top + 1, right - left + 1) / BOX;
  const mass = inked.reduce((sum, i) => sum + (values[i] as number), 0);
  const centre = (all: readonly number[]): number =>
    all.reduce((sum, place, n) => sum + place * (values[inked[n] as number] as number), 0) / mass;
  const [cy, cx] = [centre(ys), centre(xs)];
  // Several samples of a pixel, so that thin strokes are not missed.
  const fine = Math.max(1, Math.ceil(scale));
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      let sum = 0;
      for (let i = 0; i < fine; i++) {
        for (let j = 0; j < fine; j++) {
          const [dy, dx] = [y + (i + 0.5) / fine - SIDE / 2, x + (j + 0.5) / fine - SIDE / 2];
          sum += between(ink, cy + dy * scale, cx + dx * scale);
        }
      }
      digit[y * SIDE + x] = Math.min(1, sum / fine ** 2);
    }
  }
  return digit;
}

/** A photo of writing as ink: dark on bright paper is turned round, paper becomes 0. */
export function inkOf({ side, values }: Ink): Ink {
  const sorted = Float32Array.from(values).sort();
  const [low, middle, high] = [0.01, 0.5, 0.99].map((q) => sorted[Math.round(q * (sorted.length - 1))] as number) as [
    number,
    number,
    number,
  ];
  // Most of a photo is paper.
  const isDark = middle - low > high - middle;
  const reach = Math.max(1e-3, isDark ? middle - low : high - middle);
  const ink = values.map((value) => {
    const strength = (isDark ? middle - value : value - middle) / reach;
    return Math.min(1, Math.max(0, (strength - 0.35) / 0.4));
  });
  return { side, values: ink };
}
