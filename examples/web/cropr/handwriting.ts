/** Ink of any size as a scene like those that the net has seen. Plain numbers. */
import { SCENE } from './net.js';

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

/** The smallest square around what is inked, in pixels of the ink. */
function squareAround({ side, values }: Ink): { y: number; x: number; size: number } | undefined {
  const inked = [...values.keys()].filter((i) => (values[i] as number) > FAINT);
  if (inked.length === 0) return undefined;
  const ends = (place: (i: number) => number): [low: number, high: number] =>
    inked.reduce<[number, number]>(
      ([low, high], i) => [Math.min(low, place(i)), Math.max(high, place(i) + 1)],
      [side, 0],
    );
  const [[top, bottom], [left, right]] = [ends((i) => Math.floor(i / side)), ends((i) => i % side)];
  return { y: (top + bottom) / 2, x: (left + right) / 2, size: Math.max(bottom - top, right - left) };
}

/**
 * The ink as a scene for the net. With `fit` it is taken for one digit, and gets the size and one of the places that digits
 * have in the scenes that the net has learned from, the one that is nearest.
 */
export function asScene(ink: Ink, fit: boolean): Float32Array {
  const { canvas, digit, step } = SCENE;
  const scene = new Float32Array(canvas * canvas);
  const whole = { y: ink.side / 2, x: ink.side / 2, size: ink.side };
  const from = fit ? squareAround(ink) : whole;
  if (!from) return scene;
  const wide = fit ? digit : canvas;
  const scale = from.size / wide;
  const cornerOf = (middle: number): number => {
    const corner = step * Math.round(((middle / ink.side) * canvas - wide / 2) / step);
    return Math.min(canvas - wide, Math.max(0, corner));
  };
  const [top, left] = [cornerOf(from.y), cornerOf(from.x)];
  // Several samples of a pixel, so that thin strokes are not missed; ink counts where its pixel's middle is.
  const fine = Math.max(1, Math.ceil(scale));
  const offsets = Array.from({ length: fine }, (_, i) => ((i + 0.5) / fine - wide / 2) * scale - 0.5);
  for (let y = 0; y < wide; y++) {
    for (let x = 0; x < wide; x++) {
      let sum = 0;
      for (const dy of offsets) {
        for (const dx of offsets) sum += between(ink, from.y + y * scale + dy, from.x + x * scale + dx);
      }
      scene[(top + y) * canvas + left + x] = Math.min(1, sum / fine ** 2);
    }
  }
  return scene;
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
