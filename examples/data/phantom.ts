/** A drawn stand-in for a mammogram, since real ones are not public. */
import { randomStream } from 'tfjs-llf';
import type { GreyImage } from './grey_image.js';

/** Smooth noise in [0, 1): random numbers on a grid of this many cells a side, smoothly joined. */
function smoothNoise(side: number, cells: number, uniform: () => number): Float32Array {
  const grid = Float32Array.from({ length: (cells + 1) ** 2 }, uniform);
  const ease = (t: number): number => t * t * (3 - 2 * t);
  return Float32Array.from({ length: side * side }, (_, i) => {
    const [y, x] = [(Math.floor(i / side) / side) * cells, ((i % side) / side) * cells];
    const [row, column] = [Math.floor(y), Math.floor(x)];
    const [v, u] = [ease(y - row), ease(x - column)];
    const at = (r: number, c: number): number => grid[(row + r) * (cells + 1) + column + c] as number;
    return (at(0, 0) * (1 - u) + at(0, 1) * u) * (1 - v) + (at(1, 0) * (1 - u) + at(1, 1) * u) * v;
  });
}

/**
 * A half ellipse of tissue on the left border, thick in the middle, with texture at several scales, some bright dots as
 * of lime, and a marker of lead; the background is exactly 0. The same seed draws the same image.
 */
export function phantom(seed: number, side: number): GreyImage {
  const stream = randomStream(seed, 'phantom');
  const uniform = (): number => stream.uniform();
  const scales = [4, 9, 21, 47].map((cells) => smoothNoise(side, cells, uniform));
  const [tall, deep] = [0.36 + 0.1 * uniform(), 0.55 + 0.25 * uniform()];
  const values = new Float32Array(side * side);
  for (let i = 0; i < values.length; i++) {
    const [y, x] = [Math.floor(i / side) / side - 0.5, (i % side) / side];
    const inside = 1 - (y / tall) ** 2 - (x / deep) ** 2;
    if (inside <= 0) continue;
    const texture = scales.reduce((sum, noise, scale) => sum + ((noise[i] as number) - 0.5) * 0.5 ** scale, 0);
    values[i] = Math.min(1, Math.max(0, 0.15 + 0.4 * Math.sqrt(inside) + 0.25 * texture));
  }
  for (let dot = 0; dot < 12; dot++) {
    const [y, x] = [0.5 + (uniform() - 0.5) * tall, uniform() * deep * 0.7];
    const radius = 1 + 1.5 * uniform();
    paint(values, side, y * side, x * side, radius, 0.25);
  }
  const mark = Math.round(side / 16);
  for (let row = mark; row < 2 * mark; row++) values.fill(1, row * side + side - 3 * mark, row * side + side - mark);
  return { height: side, width: side, values };
}

/** Adds a round dot. */
function paint(values: Float32Array, side: number, y: number, x: number, radius: number, height: number): void {
  for (let row = Math.floor(y - radius); row <= y + radius; row++) {
    for (let column = Math.floor(x - radius); column <= x + radius; column++) {
      if (row < 0 || column < 0 || row >= side || column >= side || Math.hypot(row - y, column - x) > radius) continue;
      const place = row * side + column;
      values[place] = Math.min(1, (values[place] as number) + height);
    }
  }
}
