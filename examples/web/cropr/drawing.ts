/** A field to write a digit into, with mouse, finger or pen; those without one pick a digit instead. */
import { element } from '../shell/dom.js';
import type { Ink } from './handwriting.js';

const SIDE = 112;
const RADIUS = 5;

export class Drawing {
  private readonly canvas = element('canvas', {
    width: SIDE,
    height: SIDE,
    class: 'field-to-draw',
    role: 'img',
    'aria-label': 'A field to write a digit into',
  });
  private last: [x: number, y: number] | undefined;

  constructor(
    place: HTMLElement,
    private readonly onInk: (ink: Ink) => void,
  ) {
    place.append(this.canvas);
    this.canvas.addEventListener('pointerdown', (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.last = this.placeOf(event);
      this.stroke(event);
    });
    this.canvas.addEventListener('pointermove', (event) => this.last && this.stroke(event));
    for (const end of ['pointerup', 'pointercancel'] as const) {
      this.canvas.addEventListener(end, () => {
        if (this.last) this.onInk(this.ink());
        this.last = undefined;
      });
    }
    this.clear();
  }

  clear(): void {
    const { context } = this;
    context.fillStyle = '#000';
    context.fillRect(0, 0, SIDE, SIDE);
  }

  /** Puts a small image into the field, of values from 0 to 1. */
  showGrey(values: Float32Array): void {
    const side = Math.sqrt(values.length);
    const zoom = SIDE / side;
    const { context } = this;
    values.forEach((value, i) => {
      const grey = Math.round(255 * value);
      context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
      context.fillRect(zoom * (i % side), zoom * Math.floor(i / side), zoom, zoom);
    });
  }

  /** Puts a picture into the field and gives back its grey values. */
  show(picture: ImageBitmap): Ink {
    const side = Math.min(picture.width, picture.height);
    const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
    this.context.drawImage(picture, left, top, side, side, 0, 0, SIDE, SIDE);
    return this.ink();
  }

  private get context(): CanvasRenderingContext2D {
    const context = this.canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('This browser does not draw.');
    return context;
  }

  private ink(): Ink {
    const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
    const grey = (i: number): number =>
      (0.299 * (data[4 * i] as number) + 0.587 * (data[4 * i + 1] as number) + 0.114 * (data[4 * i + 2] as number)) /
      255;
    return { side: SIDE, values: Float32Array.from({ length: SIDE * SIDE }, (_, i) => grey(i)) };
  }

  private placeOf({ clientX, clientY }: PointerEvent): [number, number] {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    return [((clientX - left) * SIDE) / width, ((clientY - top) * SIDE) / width];
  }

  private stroke(event: PointerEvent): void {
    const { context } = this;
    const [x, y] = this.placeOf(event);
    context.strokeStyle = '#fff';
    context.lineWidth = 2 * RADIUS;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(...(this.last ?? [x, y]));
    context.lineTo(x, y);
    context.stroke();
    this.last = [x, y];
  }
}
