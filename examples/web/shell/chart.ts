/** Lines that grow while a net trains. */
import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';
import { element } from './dom.js';

/** What a chart shows. */
export interface ChartConfig {
  title: string;
  xLabel: string;
  lines: readonly { name: string; dashed?: boolean }[];
  /** Ends of the vertical axis; what is not given fits the lines. */
  range?: readonly [low: number, high?: number];
  /** Ends of the horizontal axis; without them it grows with the lines. */
  xRange?: readonly [low: number, high: number];
  height?: number;
}

const variable = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The ends of an axis; above what is drawn a tenth stays free. */
function endsOf([low, high]: readonly [number, number?], highest: number): uPlot.Range.MinMax {
  return [low, high ?? low + 1.1 * (highest - low || 1)];
}

/** A chart of several lines over one axis. Its last values also stand below it as text. */
export class Chart {
  private readonly xs: number[] = [];
  private readonly ys: (number | null)[][];
  private plot: uPlot | undefined;
  private readonly place: HTMLElement = element('div', { class: 'plot', role: 'img' });
  private readonly words: HTMLElement = element('figcaption', { class: 'quiet' });
  private marks: readonly number[] = [];
  private isDue = false;

  constructor(
    place: HTMLElement,
    private readonly config: ChartConfig,
  ) {
    this.ys = config.lines.map(() => []);
    place.append(element('figure', {}, element('h3', {}, config.title), this.place, this.words));
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    this.clear();
  }

  /** Adds a point to each line; null where a line has none. */
  add(x: number, values: readonly (number | null)[]): void {
    this.xs.push(x);
    this.ys.forEach((line, i) => {
      line.push(values[i] ?? null);
    });
    this.show();
  }

  /** Puts a point into one line. */
  put(line: number, x: number, value: number | null): void {
    let at = this.xs.lastIndexOf(x);
    if (at < 0) {
      at = this.xs.filter((one) => one < x).length;
      this.xs.splice(at, 0, x);
      for (const ys of this.ys) ys.splice(at, 0, null);
    }
    const ys = this.ys[line];
    if (ys) ys[at] = value;
    this.show();
  }

  /** Marks places of the x axis. */
  mark(places: readonly number[]): void {
    this.marks = places;
    this.show();
  }

  /** Puts other lines in the place of all. */
  set(xs: readonly number[], lines: readonly (readonly (number | null)[])[]): void {
    this.xs.splice(0, this.xs.length, ...xs);
    this.ys.forEach((line, i) => {
      line.splice(0, line.length, ...(lines[i] ?? []));
    });
    this.show();
  }

  clear(): void {
    this.set([], []);
    this.draw();
  }

  /** Once a frame is enough. */
  private show(): void {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.plot?.setData([this.xs, ...this.ys]);
      this.say();
    });
  }

  private say(): void {
    const { lines, title, xLabel } = this.config;
    const last = lines.map(({ name }, i) => {
      const value = this.ys[i]?.filter((one) => one !== null).at(-1);
      return `${name} ${value === undefined ? 'none yet' : value.toFixed(3)}`;
    });
    const isEmpty = this.xs.length === 0;
    this.words.textContent = isEmpty ? '' : `At ${xLabel} ${this.xs.at(-1)}: ${last.join(', ')}`;
    this.place.setAttribute('aria-label', `${title}. ${this.words.textContent || 'Nothing yet.'}`);
    this.place.classList.toggle('empty', isEmpty);
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(200, this.place.clientWidth), height: this.config.height ?? 240 };
  }

  private readonly drawMarks = ({ ctx, bbox, valToPos }: uPlot): void => {
    ctx.save();
    ctx.strokeStyle = variable('--edge');
    ctx.setLineDash([3, 4]);
    for (const place of this.marks) {
      const x = valToPos(place, 'x', true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };

  private draw(): void {
    this.plot?.destroy();
    const { lines, range, xLabel, xRange } = this.config;
    const axis = {
      stroke: variable('--text'),
      grid: { stroke: variable('--line') },
      ticks: { stroke: variable('--line') },
    };
    this.plot = new uPlot(
      {
        ...this.size(),
        scales: {
          x: { time: false, ...(xRange && { range: [...xRange] }) },
          y: range ? { range: (_, __, highest) => endsOf(range, highest) } : {},
        },
        axes: [{ ...axis, label: xLabel, labelSize: 20 }, axis],
        hooks: { draw: [this.drawMarks] },
        cursor: { drag: { x: false, y: false } },
        series: [
          { label: xLabel, value: (_, value) => value?.toString() ?? '' },
          ...lines.map(({ name, dashed }, i) => ({
            label: name,
            value: (_: uPlot, value: number | null) => value?.toFixed(3) ?? '',
            width: 2,
            spanGaps: true,
            stroke: variable(`--line-${i + 1}`),
            ...(dashed && { dash: [6, 4] }),
          })),
        ],
      },
      [this.xs, ...this.ys],
      this.place,
    );
    this.say();
  }
}
