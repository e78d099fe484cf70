/** Writing of any size as a digit, and how a share of patches is spread over routers. */
import { describe, expect, it } from 'vitest';
import { asDigit, type Ink, inkOf } from '../../examples/web/cropr/handwriting.js';
import { MOST, ratesFor } from '../../examples/web/cropr/rates.js';

/** A bar. */
function bar(side: number, top: number, left: number, height: number, width: number): Ink {
  const values = Float32Array.from({ length: side * side }, (_, i) => {
    const [y, x] = [Math.floor(i / side), i % side];
    return Number(y >= top && y < top + height && x >= left && x < left + width);
  });
  return { side, values };
}

function centre(digit: Float32Array): [number, number] {
  const mass = digit.reduce((sum, value) => sum + value, 0);
  const mean = (place: (i: number) => number): number =>
    digit.reduce((sum, value, i) => sum + value * place(i), 0) / mass;
  return [mean((i) => Math.floor(i / 28)), mean((i) => i % 28)];
}

describe('writing as a digit', () => {
  it.each([
    ['small, in a corner', bar(112, 5, 3, 20, 8)],
    ['large, in the middle', bar(112, 10, 40, 90, 36)],
  ])('%s, fills twenty pixels around the middle', (_, ink) => {
    const digit = asDigit(ink);
    const rows = [...digit.keys()].filter((i) => (digit[i] as number) > 0.5).map((i) => Math.floor(i / 28));
    expect(Math.abs(Math.max(...rows) - Math.min(...rows) + 1 - 20)).toBeLessThanOrEqual(1);
    for (const place of centre(digit)) expect(Math.abs(place - 13.5)).toBeLessThan(0.6);
  });

  it('does not depend on where it was written', () => {
    const [here, there] = [bar(112, 5, 3, 40, 12), bar(112, 60, 80, 40, 12)].map(asDigit);
    expect(there).toEqual(here);
  });

  it('without ink is empty', () => {
    expect(asDigit({ side: 56, values: new Float32Array(56 * 56) })).toEqual(new Float32Array(28 * 28));
  });

  it('is read from a photo, dark on bright as bright on dark', () => {
    const written = bar(56, 10, 20, 30, 8);
    const paper = { side: 56, values: written.values.map((value) => 0.85 - 0.7 * value) };
    const board = { side: 56, values: written.values.map((value) => 0.1 + 0.6 * value) };
    expect(inkOf(paper).values).toEqual(written.values);
    expect(inkOf(board).values).toEqual(written.values);
  });
});

describe('rates', () => {
  it('add up to the share that is asked for', () => {
    for (let percent = 0; percent <= 100 * MOST; percent += 5) {
      const rates = ratesFor(percent / 100);
      expect(Math.min(...rates)).toBeGreaterThanOrEqual(0);
      expect(rates.reduce((sum, one) => sum + one, 0)).toBe(49 - Math.round(49 * (1 - percent / 100)));
    }
  });

  it('take nothing where nothing is to go', () => {
    expect(ratesFor(0)).toEqual([0, 0, 0]);
  });
});
