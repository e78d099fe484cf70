/** The same chart as a page that one can zoom: uPlot, with code and data in one file. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { escapeHtml } from '../quickstart/picture.js';
import { COLOURS, type LineChart, lineChart } from './line_chart.js';

/** Columns as uPlot wants them: all x values in order, and for each series its value there, or null. */
export function columnsOf({ series }: Pick<LineChart, 'series'>): (number | null)[][] {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  return [
    xs,
    ...series.map(({ points }) => {
      const known = new Map(points.map(([x, y]) => [x, y]));
      return xs.map((x) => known.get(x) ?? null);
    }),
  ];
}

/** The page. Where no script runs, the SVG of the chart is shown. */
export async function plotPage(chart: LineChart): Promise<string> {
  const folder = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const [script, style] = await Promise.all(
    ['dist/uPlot.iife.min.js', 'dist/uPlot.min.css'].map((file) => readFile(resolve(folder, file), 'utf8')),
  );
  const options = {
    labels: [chart.xLabel, ...chart.series.map(({ name }) => name)],
    dashed: chart.series.map(({ dashed = false }) => dashed),
    colours: COLOURS,
    marks: chart.marks ?? [],
  };
  // A "<" in a name must not end the script.
  const json = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
  const title = escapeHtml(chart.title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
${style}
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; }
</style>
</head>
<body>
<h1>${title}</h1>
<div id="plot"></div>
<noscript>${lineChart(chart)}</noscript>
<script>${script}</script>
<script>
const data = ${json(columnsOf(chart))};
const { labels, dashed, colours, marks } = ${json(options)};
const text = getComputedStyle(document.body).color;
const axis = { stroke: text, grid: { stroke: '#8884' } };
const drawMarks = (plot) => {
  plot.ctx.save();
  plot.ctx.strokeStyle = '#8888';
  for (const mark of marks) {
    const x = plot.valToPos(mark, 'x', true);
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, plot.bbox.top);
    plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
    plot.ctx.stroke();
  }
  plot.ctx.restore();
};
const place = document.getElementById('plot');
const plot = new uPlot({
  width: place.clientWidth,
  height: 400,
  scales: { x: { time: false } },
  axes: [axis, axis],
  series: labels.map((label, i) => (i === 0 ? { label } : {
    label, width: 2, spanGaps: true, stroke: colours[(i - 1) % colours.length], dash: dashed[i - 1] ? [6, 4] : undefined,
  })),
  hooks: { draw: [drawMarks] },
}, data, place);
addEventListener('resize', () => plot.setSize({ width: place.clientWidth, height: 400 }));
</script>
</body>
</html>
`;
}
