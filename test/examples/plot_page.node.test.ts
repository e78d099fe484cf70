import { describe, expect, it } from 'vitest';
import { columnsOf, plotPage } from '../../examples/plot/page.js';

describe('the columns of a plot', () => {
  it('hold every x once, in order, and null where a series has no value', () => {
    const series = [
      {
        name: 'a',
        points: [
          [3, 30],
          [1, 10],
        ],
      },
      {
        name: 'b',
        points: [
          [2, 5],
          [3, 6],
        ],
      },
    ] as const;
    expect(columnsOf({ series })).toEqual([
      [1, 2, 3],
      [10, null, 30],
      [null, 5, 6],
    ]);
  });
});

describe('the page of a plot', () => {
  it('is one file: it loads nothing, and no name ends its script', async () => {
    const page = await plotPage({
      title: 'a < b',
      xLabel: 'epoch',
      yLabel: 'accuracy',
      series: [{ name: '</script><script>bad()', points: [[0, 1]] }],
    });
    expect(page).toContain('<title>a &lt; b</title>');
    expect(page).not.toMatch(/(src|href)=/);
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script = '']) => script);
    expect(scripts).toHaveLength(2);
    expect(scripts[0]).toContain('uPlot');
    // Both parse as they stand.
    for (const script of scripts) expect(() => new Function(script)).not.toThrow();
  });
});
