/** The remap curve as a drawing whose points can be moved, by pointer or by arrow keys. */
import { HANDLES, type Points, valueAt } from './curve.js';

const SIDE = 400;
const END = 0.45;
const STEP = 0.01;
/** How far beside a handle it may be taken. */
const REACH = 26;
const NAMESPACE = 'http://www.w3.org/2000/svg';

type Attributes = Readonly<Record<string, string | number>>;

function shape<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes): SVGElementTagNameMap[K] {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

const across = (detail: number): number => (SIDE / 2) * (1 + detail / END);
const down = (value: number): number => (SIDE / 2) * (1 - value / END);

export class CurveEditor {
  private values: number[] = [...HANDLES];
  private readonly svg = shape('svg', { viewBox: `0 0 ${SIDE} ${SIDE}`, class: 'curve' });
  private readonly learned = shape('polyline', { class: 'learned' });
  private readonly drawn = shape('polyline', { class: 'drawn' });
  private readonly circles: readonly SVGCircleElement[];
  /** Around the circles, where a finger takes them. */
  private readonly reaches: readonly SVGCircleElement[];
  private held: number | undefined;

  constructor(
    place: HTMLElement,
    private readonly onChange: () => void,
  ) {
    const cross = `M0,${SIDE} L${SIDE},0 M0,${SIDE / 2} H${SIDE} M${SIDE / 2},0 V${SIDE}`;
    this.circles = HANDLES.map((detail, i) => this.handle(detail, i));
    this.reaches = HANDLES.map((detail) => shape('circle', { cx: across(detail), r: REACH, class: 'reach' }));
    const grid = shape('path', { d: cross, class: 'grid' });
    this.svg.append(grid, this.learned, this.drawn, ...this.reaches, ...this.circles);
    this.svg.addEventListener('pointerdown', (event) => this.take(event));
    this.svg.addEventListener('pointermove', (event) => this.follow(event));
    for (const end of ['pointerup', 'pointercancel'] as const) {
      this.svg.addEventListener(end, () => {
        this.held = undefined;
      });
    }
    place.append(this.svg);
    this.draw();
  }

  get heights(): readonly number[] {
    return this.values;
  }

  set heights(values: readonly number[]) {
    this.values = [...values];
    this.draw();
  }

  /** Shows what the filter has learned, behind what is drawn. */
  showLearned(curve: Points | undefined): void {
    const middle = curve ? valueAt(curve, 0) : 0;
    const details = curve ? Array.from({ length: 181 }, (_, i) => END * (i / 90 - 1)) : [];
    const points = details.map((d) => `${across(d)},${down(curve ? valueAt(curve, d) - middle : 0)}`);
    this.learned.setAttribute('points', points.join(' '));
  }

  private handle(detail: number, i: number): SVGCircleElement {
    const circle = shape('circle', {
      cx: across(detail),
      r: 11,
      tabindex: 0,
      role: 'slider',
      'aria-label': `Detail ${detail} becomes`,
      'aria-orientation': 'vertical',
      'aria-valuemin': -END,
      'aria-valuemax': END,
    });
    circle.addEventListener('keydown', (event) => {
      const up: Readonly<Record<string, number>> = {
        ArrowUp: 1,
        ArrowRight: 1,
        ArrowDown: -1,
        ArrowLeft: -1,
        PageUp: 5,
        PageDown: -5,
      };
      const steps = up[event.key];
      if (steps === undefined) return;
      event.preventDefault();
      this.move(i, (this.values[i] as number) + steps * STEP);
    });
    return circle;
  }

  /** Takes the handle that is nearest, if one is in reach. */
  private take(event: PointerEvent): void {
    if (!this.reaches.concat(this.circles).includes(event.target as SVGCircleElement)) return;
    const distance = (circle: SVGCircleElement): number => {
      const { left, top, width, height } = circle.getBoundingClientRect();
      return Math.hypot(left + width / 2 - event.clientX, top + height / 2 - event.clientY);
    };
    const all = this.circles.map(distance);
    this.held = all.indexOf(Math.min(...all));
    this.svg.setPointerCapture(event.pointerId);
    this.circles[this.held]?.focus();
    event.preventDefault();
  }

  private follow(event: PointerEvent): void {
    if (this.held === undefined) return;
    const { top, height } = this.svg.getBoundingClientRect();
    this.move(this.held, END * (1 - (2 * (event.clientY - top)) / height));
  }

  private move(i: number, value: number): void {
    this.values[i] = Math.min(END, Math.max(-END, value));
    this.draw();
    this.onChange();
  }

  private draw(): void {
    const points = HANDLES.map((detail, i) => `${across(detail)},${down(this.values[i] as number)}`);
    this.drawn.setAttribute('points', points.join(' '));
    this.circles.forEach((circle, i) => {
      const value = this.values[i] as number;
      for (const one of [circle, this.reaches[i]]) one?.setAttribute('cy', String(down(value)));
      circle.setAttribute('aria-valuenow', value.toFixed(3));
    });
  }
}
