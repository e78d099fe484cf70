/** Lines over one axis as an SVG that stands alone: accuracy over generations, a remap curve. */
import { escapeHtml } from '../quickstart/picture.js';

/** One line. */
interface Series {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
  /** Drawn dashed, as a reference is. */
  dashed?: boolean;
}

/** A chart. */
export interface LineChart {
  title: string;
  xLabel: string;
  yLabel: string;
  series: readonly Series[];
  /** Places on the x axis that are marked by a line, such as the beginnings of generations. */
  marks?: readonly number[];
}

const WIDTH = 640;
const HEIGHT = 360;
const MARGIN = { left: 56, right: 16, top: 40, bottom: 68 };
/** Colours that most people can tell apart, on white as on black. */
export const COLOURS: readonly string[] = ['#3b82c4', '#d9822b', '#2a9d6f', '#b05cc6', '#c4473b', '#8a8a2e'];

interface Axis {
  ticks: number[];
  place: (value: number) => number;
}

/** About five round numbers that the values lie among, and where each value goes between two ends. */
function axisOf(values: readonly number[], from: number, to: number): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const span = most - least || Math.abs(most) || 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = power * ([1, 2, 5, 10].find((factor) => span / (power * factor) <= 6) as number);
  const [first, last] = [Math.floor(least / step + 1e-9), Math.ceil(most / step - 1e-9)];
  const end = Math.max(last, first + 1);
  const ticks = Array.from({ length: end - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  const [low, high] = [first * step, end * step];
  return { ticks, place: (value) => from + ((value - low) / (high - low)) * (to - from) };
}

const short = (value: number): string => String(Number(value.toFixed(1)));

/** The chart as the text of an SVG file; light or dark as the reader's system is, with a text for those who do not see it. */
export function lineChart({ title, xLabel, yLabel, series, marks = [] }: LineChart): string {
  const points = series.flatMap((line) => line.points);
  if (points.length === 0 || !points.flat().every(Number.isFinite))
    throw new Error(`lineChart: series must hold finite points, received ${points.length === 0 ? 'none' : 'others'}.`);
  const x = axisOf([...points.map(([value]) => value), ...marks], MARGIN.left, WIDTH - MARGIN.right);
  const y = axisOf(
    points.map(([, value]) => value),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const [left, right, top, bottom] = [MARGIN.left, WIDTH - MARGIN.right, MARGIN.top, HEIGHT - MARGIN.bottom];
  const label = (at: [number, number], text: string, anchor: string, more = ''): string =>
    `<text x="${short(at[0])}" y="${short(at[1])}" text-anchor="${anchor}"${more}>${escapeHtml(text)}</text>`;
  const line = (x1: number, y1: number, x2: number, y2: number, kind: string): string =>
    `<line class="${kind}" x1="${short(x1)}" y1="${short(y1)}" x2="${short(x2)}" y2="${short(y2)}"/>`;
  const colour = (i: number): string => COLOURS[i % COLOURS.length] as string;
  const each = (WIDTH - MARGIN.left) / Math.max(1, series.length);
  const parts = [
    ...y.ticks.flatMap((value) => [
      line(left, y.place(value), right, y.place(value), 'grid'),
      label([left - 8, y.place(value) + 4], String(value), 'end'),
    ]),
    ...x.ticks.map((value) => label([x.place(value), bottom + 18], String(value), 'middle')),
    ...marks.map((value) => line(x.place(value), top, x.place(value), bottom, 'mark')),
    ...series.map(({ points, dashed }, i) => {
      const path = points.map(([a, b]) => `${short(x.place(a))},${short(y.place(b))}`).join(' ');
      return `<polyline points="${path}" stroke="${colour(i)}"${dashed ? ' stroke-dasharray="6 4"' : ''}/>`;
    }),
    ...series.map(({ name }, i) => label([left + i * each, HEIGHT - 12], name, 'start', ` style="fill:${colour(i)}"`)),
    label([left, 22], title, 'start', ' class="title"'),
    label([(left + right) / 2, bottom + 36], xLabel, 'middle'),
    label([14, (top + bottom) / 2], yLabel, 'middle', ` transform="rotate(-90 14 ${short((top + bottom) / 2)})"`),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(
    `${title}: ${yLabel} by ${xLabel} of ${series.map(({ name }) => name).join(', ')}`,
  )}">
<style>
text { font: 12px system-ui, sans-serif; fill: #444; }
.title { font-size: 15px; font-weight: 600; }
.grid { stroke: #8884; }
.mark { stroke: #8888; stroke-dasharray: 2 3; }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) { text { fill: #ccc; } }
</style>
${parts.join('\n')}
</svg>
`;
}
