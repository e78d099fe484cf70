/** The scene as the net sees it, and behind each router with its lost patches faded. */
import { element } from '../shell/dom.js';
import { GRID, PATCH, ROUTERS, SCENE } from './net.js';

const { canvas: CANVAS } = SCENE;
/** Screen pixels of a pixel. */
const ZOOM = 4;
/** What is left of the ink of a patch that is gone. */
const FADED = 0.25;

export class Pictures {
  private readonly canvases: HTMLCanvasElement[];
  private readonly words: HTMLElement[];
  private shown: [ink: Float32Array, kept: readonly (readonly number[])[]] | undefined;

  constructor(place: HTMLElement) {
    const names = ['what comes in', ...Array.from({ length: ROUTERS }, (_, i) => `after block ${i + 1}`)];
    this.canvases = names.map(() => element('canvas', { width: CANVAS * ZOOM, height: CANVAS * ZOOM, role: 'img' }));
    this.words = names.map(() => element('span', { class: 'quiet' }));
    names.forEach((name, i) => {
      const [canvas, words] = [this.canvases[i], this.words[i]];
      if (canvas && words) place.append(element('figure', {}, canvas, element('figcaption', {}, `${name} `, words)));
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.shown && this.show(...this.shown));
  }

  /** Shows a scene; `kept` are the patches behind each router, none known before the net has looked. */
  show(ink: Float32Array, kept: readonly (readonly number[])[]): void {
    this.shown = [ink, kept];
    const all = Array.from({ length: GRID * GRID }, (_, patch) => patch);
    this.canvases.forEach((canvas, i) => {
      const left = (i === 0 ? all : kept[i - 1]) ?? [];
      paint(canvas, ink, new Set(left));
      const isKnown = i === 0 || kept.length > 0;
      canvas.setAttribute('aria-label', isKnown ? `The scene with ${left.length} patches` : 'Nothing yet');
      const words = this.words[i];
      if (words) words.textContent = isKnown ? `${left.length} patches` : '';
    });
  }
}

/** Red, green and blue of a colour `#rrggbb`. */
const channels = (colour: string): number[] => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

function paint(canvas: HTMLCanvasElement, ink: Float32Array, kept: ReadonlySet<number>): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(document.documentElement);
  const paper = channels(style.getPropertyValue('--gone').trim());
  const pixels = new ImageData(CANVAS, CANVAS);
  ink.forEach((value, i) => {
    const [y, x] = [Math.floor(i / CANVAS), i % CANVAS];
    const isKept = kept.has(GRID * Math.floor(y / PATCH) + Math.floor(x / PATCH));
    const colour = isKept ? [255 * value] : paper.map((channel) => channel + FADED * value * (128 - channel));
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = Math.round(colour[c] ?? (colour[0] as number));
    pixels.data[4 * i + 3] = 255;
  });
  const small = new OffscreenCanvas(CANVAS, CANVAS);
  small.getContext('2d')?.putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  context.strokeStyle = style.getPropertyValue('--line-2').trim();
  const side = PATCH * ZOOM;
  for (const patch of kept)
    context.strokeRect(side * (patch % GRID) + 0.5, side * Math.floor(patch / GRID) + 0.5, side - 1, side - 1);
}
