import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LineChart, lineChart } from '../../examples/plot/line_chart.js';

const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const charts: fc.Arbitrary<LineChart> = fc.record({
  title: fc.string(),
  xLabel: fc.string(),
  yLabel: fc.string(),
  series: fc.array(
    fc.record({
      name: fc.string(),
      points: fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 8 }),
      dashed: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  marks: fc.array(number, { maxLength: 3 }),
});

/** Throws unless every tag is closed in its order, and no text holds a bare `<` or `&`. */
function requireWellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml
    .replace(/<style>[^<]*<\/style>/, '')
    .replace(/<(\/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<]*")*)(\/?)>/g, (_, close, name, __, alone) => {
      if (close) expect(open.pop()).toBe(name);
      else if (!alone) open.push(name);
      return '';
    });
  expect(open).toEqual([]);
  expect(rest.replace(/&(amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[<>&]/);
}

/** The numbers of all points, x and y by turns. */
function placesOf(svg: string): number[][] {
  return [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points = '']) => points.split(/[ ,]/).map(Number));
}

describe('lineChart', () => {
  it('is well-formed, with every point within the frame and every series named', () => {
    fc.assert(
      fc.property(charts, (chart) => {
        const svg = lineChart(chart);
        requireWellFormed(svg);
        const lines = placesOf(svg);
        expect(lines.map((line) => line.length / 2)).toEqual(chart.series.map(({ points }) => points.length));
        for (const line of lines) {
          line.forEach((place, i) => {
            const [low, high] = i % 2 === 0 ? [56, 624] : [40, 292];
            expect(place).toBeGreaterThanOrEqual(low);
            expect(place).toBeLessThanOrEqual(high);
          });
        }
      }),
    );
  });

  it('puts larger values to the right and up, on round numbers', () => {
    const svg = lineChart({
      title: 'LLF',
      xLabel: 'epoch',
      yLabel: 'accuracy',
      series: [
        {
          name: 'test',
          points: [
            [0, 61],
            [10, 68],
            [20, 75],
          ],
        },
      ],
      marks: [10],
    });
    const [[x0 = 0, y0 = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0] = []] = placesOf(svg);
    expect(x0 < x1 && x1 < x2 && y0 > y1 && y1 > y2).toBe(true);
    expect(x1 - x0).toBeCloseTo(x2 - x1, 6);
    const labels = [...svg.matchAll(/text-anchor="end">([^<]*)</g)].map(([, text]) => Number(text));
    expect(labels).toEqual([60, 65, 70, 75]);
  });

  it('refuses what has no place', () => {
    const chart = { title: '', xLabel: '', yLabel: '' };
    expect(() => lineChart({ ...chart, series: [] })).toThrow('received none');
    expect(() => lineChart({ ...chart, series: [{ name: 'a', points: [[0, Number.NaN]] }] })).toThrow('finite points');
  });
});
