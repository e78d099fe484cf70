/** Writing of any size in a scene, and how a share of patches is spread over routers. */
import { describe, expect, it } from 'vitest';
import { asScene, type Ink, inkOf } from '../../examples/web/cropr/handwriting.js';
import { SCENE } from '../../examples/web/cropr/net.js';
import { MOST, ratesFor } from '../../examples/web/cropr/rates.js';

/** A bar. */
function bar(side: number, top: number, left: number, height: number, width: number): Ink {
  const values = Float32Array.from({ length: side * side }, (_, i) => {
    const [y, x] = [Math.floor(i / side), i % side];
    return Number(y >= top && y < top + height && x >= left && x < left + width);
  });
  return { side, values };
}

/** Rows and columns that hold ink, first and last. */
function reach(scene: Float32Array): number[] {
  const inked = [...scene.keys()].filter((i) => (scene[i] as number) > 0.5);
  const [ys, xs] = [inked.map((i) => Math.floor(i / SCENE.canvas)), inked.map((i) => i % SCENE.canvas)];
  return [Math.min(...ys), Math.max(...ys), Math.min(...xs), Math.max(...xs)];
}

describe('writing in a scene', () => {
  it.each([
    ['small', bar(200, 20, 20, 24, 8), 0, 0],
    ['large', bar(200, 10, 40, 170, 50), 15, 10],
  ])('%s, becomes a digit of the size and at the nearest place that the net knows', (_, ink, row, column) => {
    const [top = 0, bottom = 0, left = 0, right = 0] = reach(asScene(ink, true));
    expect([top, bottom]).toEqual([row, row + SCENE.digit - 1]);
    // Its middle is that of its square.
    expect(Math.abs((left + right + 1) / 2 - (column + SCENE.digit / 2))).toBeLessThanOrEqual(0.5);
  });

  it('stays as it is where it is not to be fitted', () => {
    expect(reach(asScene(bar(200, 40, 60, 80, 20), false))).toEqual([10, 29, 15, 19]);
    const whole = asScene(bar(200, 0, 0, 200, 200), false);
    expect(Math.min(...whole)).toBeGreaterThan(0.7);
  });

  it('without ink is empty', () => {
    const blank = new Float32Array(SCENE.canvas ** 2);
    for (const fit of [true, false])
      expect(asScene({ side: 56, values: new Float32Array(56 * 56) }, fit)).toEqual(blank);
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
      expect(rates.reduce((sum, one) => sum + one, 0)).toBe(100 - Math.round(100 * (1 - percent / 100)));
    }
  });

  it('take nothing where nothing is to go', () => {
    expect(ratesFor(0)).toEqual([0, 0, 0, 0]);
  });
});
