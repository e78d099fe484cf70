/** Two images of one size on top of each other, with a slider that says how far the upper one reaches. */
import type { GreyImage } from '../../data/grey_image.js';
import { byId, element } from '../shell/dom.js';

/** Draws a grey image into a canvas of its size. */
export function paint(canvas: HTMLCanvasElement, { height, width, values }: GreyImage): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) return;
  const picture = context.createImageData(width, height);
  // The four bytes of a pixel at once; every machine that runs a browser has the lowest byte first.
  const pixels = new Uint32Array(picture.data.buffer);
  for (let i = 0; i < values.length; i++) {
    const grey = Math.round(255 * Math.min(1, Math.max(0, values[i] as number)));
    pixels[i] = (0xff000000 | (grey * 0x010101)) >>> 0;
  }
  context.putImageData(picture, 0, 0);
}

export class Comparison {
  private readonly left = element('canvas', { role: 'img' });
  private readonly right = element('canvas', { role: 'img', class: 'over' });
  private readonly range = element('input', { type: 'range', min: 0, max: 100, value: 50, 'aria-label': 'Compare' });
  private readonly names = element('p', { class: 'quiet names' });

  constructor() {
    const stack = element('div', { class: 'stack' }, this.left, this.right);
    byId('compare', HTMLElement).append(stack, this.range, this.names);
    this.range.addEventListener('input', () => this.cut());
    const follow = (event: PointerEvent): void => {
      if (event.buttons === 0 && event.type === 'pointermove') return;
      const { left, width } = stack.getBoundingClientRect();
      this.range.value = String((100 * (event.clientX - left)) / width);
      this.cut();
    };
    stack.addEventListener('pointerdown', follow);
    stack.addEventListener('pointermove', follow);
    this.cut();
  }

  /** Shows two images with their names. */
  show(left: GreyImage, right: GreyImage, names: readonly [string, string]): void {
    paint(this.left, left);
    paint(this.right, right);
    this.left.setAttribute('aria-label', `Image: ${names[0]}`);
    this.right.setAttribute('aria-label', `Image: ${names[1]}`);
    this.names.replaceChildren(element('span', {}, `left: ${names[0]}`), element('span', {}, `right: ${names[1]}`));
  }

  private cut(): void {
    this.right.style.clipPath = `inset(0 0 0 ${this.range.value}%)`;
  }
}
