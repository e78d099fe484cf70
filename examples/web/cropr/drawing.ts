/** A field to draw a scene into, with mouse, finger or pen, or with the arrow keys. */
import { element } from '../shell/dom.js';
import type { Ink } from './handwriting.js';
import { SCENE } from './net.js';

/** Screen pixels of a pixel of the scene. */
const ZOOM = 4;
const SIDE = SCENE.canvas * ZOOM;
/** As wide as the strokes of the digits that the net knows. */
const WIDTH = 8;
const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-ZOOM, 0],
  ArrowRight: [ZOOM, 0],
  ArrowUp: [0, -ZOOM],
  ArrowDown: [0, ZOOM],
};

type Place = readonly [x: number, y: number];

export class Drawing {
  private readonly canvas = element('canvas', {
    width: SIDE,
    height: SIDE,
    class: 'field-to-draw',
    tabindex: 0,
    role: 'application',
    'aria-label': 'A field to draw into. Arrow keys move the pen, the space bar puts it down and lifts it.',
  });
  /** What was drawn by hand, without what lies below. */
  private readonly sheet = new OffscreenCanvas(SIDE, SIDE);
  /** Where the arrow keys have brought the pen. */
  private readonly pen = element('div', { class: 'pen' });
  private penAt: Place = [SIDE / 2, SIDE / 4];
  private isPenDown = false;
  private last: Place | undefined;

  constructor(
    place: HTMLElement,
    private readonly onInk: () => void,
  ) {
    place.append(element('div', { class: 'sheet' }, this.canvas, this.pen));
    this.canvas.addEventListener('pointerdown', (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.last = this.placeOf(event);
      this.stroke(this.last, this.last);
    });
    this.canvas.addEventListener('pointermove', (event) => {
      if (!this.last) return;
      const next = this.placeOf(event);
      this.stroke(this.last, next);
      this.last = next;
    });
    for (const end of ['pointerup', 'pointercancel'] as const) {
      this.canvas.addEventListener(end, () => {
        if (this.last) this.onInk();
        this.last = undefined;
      });
    }
    this.canvas.addEventListener('keydown', (event) => this.type(event));
    this.movePen(this.penAt);
  }

  /** Puts a scene of ink from 0 to 1 into the field, and begins a new drawing on it. */
  show(scene: Float32Array): void {
    const context = contextOf(this.canvas);
    scene.forEach((value, i) => {
      const grey = Math.round(255 * value);
      context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
      context.fillRect(ZOOM * (i % SCENE.canvas), ZOOM * Math.floor(i / SCENE.canvas), ZOOM, ZOOM);
    });
    contextOf(this.sheet).clearRect(0, 0, SIDE, SIDE);
  }

  /** What was drawn by hand. */
  ink(): Ink {
    const { data } = contextOf(this.sheet).getImageData(0, 0, SIDE, SIDE);
    return {
      side: SIDE,
      values: Float32Array.from({ length: SIDE * SIDE }, (_, i) => (data[4 * i + 3] as number) / 255),
    };
  }

  private placeOf({ clientX, clientY }: PointerEvent): Place {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    return [((clientX - left) * SIDE) / width, ((clientY - top) * SIDE) / width];
  }

  private type(event: KeyboardEvent): void {
    const step = ARROWS[event.key];
    if (!step && event.key !== ' ') return;
    event.preventDefault();
    const from = this.penAt;
    if (step) this.movePen([from[0] + step[0], from[1] + step[1]]);
    else this.isPenDown = !this.isPenDown;
    this.pen.classList.toggle('down', this.isPenDown);
    if (!this.isPenDown) return;
    this.stroke(from, this.penAt);
    this.onInk();
  }

  private movePen(to: Place): void {
    this.penAt = to.map((value) => Math.min(SIDE, Math.max(0, value))) as unknown as Place;
    this.pen.style.left = `${(100 * this.penAt[0]) / SIDE}%`;
    this.pen.style.top = `${(100 * this.penAt[1]) / SIDE}%`;
  }

  private stroke(from: Place, to: Place): void {
    for (const context of [contextOf(this.canvas), contextOf(this.sheet)]) {
      context.strokeStyle = '#fff';
      context.lineWidth = WIDTH;
      context.lineCap = 'round';
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
    }
  }
}

function contextOf(canvas: OffscreenCanvas | HTMLCanvasElement): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('This browser does not draw.');
  return context as OffscreenCanvasRenderingContext2D;
}

/** The middle of a picture as grey values. */
export function greyOf(picture: ImageBitmap): Ink {
  const context = contextOf(new OffscreenCanvas(SIDE, SIDE));
  const side = Math.min(picture.width, picture.height);
  const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
  context.drawImage(picture, left, top, side, side, 0, 0, SIDE, SIDE);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  const values = new Float32Array(SIDE * SIDE);
  for (let i = 0; i < values.length; i++) {
    const [red, green, blue] = [data[4 * i], data[4 * i + 1], data[4 * i + 2]] as [number, number, number];
    values[i] = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
  }
  return { side: SIDE, values };
}
