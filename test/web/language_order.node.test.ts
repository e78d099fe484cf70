/** How orderly a language of two symbols is. */
import { describe, expect, it } from 'vitest';
import { distinctMessages, tellsOf, verdictOn } from '../../examples/web/language/order.js';

const SHAPES = 4;
const objects = Array.from({ length: 32 }, (_, n) => [Math.floor(n / SHAPES), n % SHAPES] as const);

describe('a language', () => {
  it('that names colour, then shape, is compositional, and so is the other order', () => {
    const ordered = objects.map(([colour, shape]) => [colour, shape]);
    expect(tellsOf(ordered, SHAPES)).toEqual([
      { colour: 1, shape: 0 },
      { colour: 0, shape: 1 },
    ]);
    for (const language of [ordered, objects.map(([colour, shape]) => [shape, colour])]) {
      expect(verdictOn(language, SHAPES)).toContain('Compositional:');
      expect(distinctMessages(language)).toBe(32);
    }
  });

  it('whose first symbol tells both is not', () => {
    const mixed = objects.map(([colour, shape]) => [(colour + 2 * shape) % 8, (colour + shape) % 8]);
    expect(verdictOn(mixed, SHAPES)).toContain('Not compositional');
  });

  it('that says one thing of all tells nothing', () => {
    const silent = objects.map(() => [3, 3]);
    expect(tellsOf(silent, SHAPES)).toEqual([
      { colour: 0, shape: 0 },
      { colour: 0, shape: 0 },
    ]);
    expect(verdictOn(silent, SHAPES)).toContain('1 of 32');
  });

  it('with one mixed symbol is half way', () => {
    const half = objects.map(([colour, shape]) => [colour, (colour + 3 * shape) % 8]);
    expect(verdictOn(half, SHAPES)).toContain('Half way: symbol 1 names the colour');
  });
});
