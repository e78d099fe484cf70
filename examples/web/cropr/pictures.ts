/** The digit as the net sees it, and behind each router with its lost patches covered. */
import { SIDE } from '../data/digits.js';
import { element } from '../shell/dom.js';
import { GRID, PATCH, ROUTERS } from './rates.js';

/** Screen pixels of a pixel. */
const ZOOM = 6;

export class Pictures {
  private readonly canvases: HTMLCanvasElement[];
  private readonly words: HTMLElement[];

  constructor(place: HTMLElement) {
    const names = ['what comes in', ...Array.from({ length: ROUTERS }, (_, i) => `after block ${i + 1}`)];
    this.canvases = names.map(() => element('canvas', { width: SIDE * ZOOM, height: SIDE * ZOOM, role: 'img' }));
    this.words = names.map(() => element('span', { class: 'quiet' }));
    names.forEach((name, i) => {
      const [canvas, words] = [this.canvases[i], this.words[i]];
      if (canvas && words) place.append(element('figure', {}, canvas, element('figcaption', {}, `${name} `, words)));
    });
  }

  /** Shows a digit; `kept` are the patches behind each router, none known before the net is trained. */
  show(ink: Float32Array, kept: readonly (readonly number[])[]): void {
    const all = Array.from({ length: GRID * GRID }, (_, patch) => patch);
    this.canvases.forEach((canvas, i) => {
      const left = (i === 0 ? all : kept[i - 1]) ?? [];
      paint(canvas, ink, left);
      const isKnown = i === 0 || kept.length > 0;
      canvas.setAttribute('aria-label', isKnown ? `The digit with ${left.length} patches` : 'Nothing yet');
      const words = this.words[i];
      if (words) words.textContent = isKnown ? `${left.length} patches` : '';
    });
  }
}

function paint(canvas: HTMLCanvasElement, ink: Float32Array, kept: readonly number[]): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(document.documentElement);
  context.fillStyle = style.getPropertyValue('--line').trim();
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const patch of kept) {
    const [top, left] = [PATCH * Math.floor(patch / GRID), PATCH * (patch % GRID)];
    for (let y = top; y < top + PATCH; y++) {
      for (let x = left; x < left + PATCH; x++) {
        const grey = Math.round(255 * (ink[y * SIDE + x] as number));
        context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
        context.fillRect(x * ZOOM, y * ZOOM, ZOOM, ZOOM);
      }
    }
    context.strokeStyle = style.getPropertyValue('--line-2').trim();
    context.strokeRect(left * ZOOM + 0.5, top * ZOOM + 0.5, PATCH * ZOOM - 1, PATCH * ZOOM - 1);
  }
}
