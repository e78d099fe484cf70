/** Files as grey images. */
import { cropped, type GreyImage } from '../../data/grey_image.js';
import { readPng } from '../../data/png.js';
import { CROP, LONGEST_SIDE } from './samples.js';

const PNG = [0x89, 0x50, 0x4e, 0x47];

/** Reads a PNG or a DICOM file, of the latter the first frame. */
export async function readImage(bytes: Uint8Array): Promise<GreyImage> {
  if (PNG.every((byte, i) => bytes[i] === byte)) return checked(readPng(bytes));
  const { readDicom } = await import('../../data/dicom.js');
  const [first] = readDicom(bytes);
  if (!first) throw new Error('The file holds no image.');
  return checked(first);
}

function checked(image: GreyImage): GreyImage {
  const small = shrunk(image, LONGEST_SIDE);
  if (Math.min(small.height, small.width) < CROP)
    throw new Error(`An image must have at least ${CROP} pixels a side, received ${image.width} x ${image.height}.`);
  return small;
}

/** Makes an image smaller by a whole factor, each new pixel the mean of a square, until no side is longer than `longest`. */
export function shrunk(image: GreyImage, longest: number): GreyImage {
  const factor = Math.ceil(Math.max(image.height, image.width) / longest);
  if (factor <= 1) return image;
  const [height, width] = [Math.floor(image.height / factor), Math.floor(image.width / factor)];
  const whole = cropped(image, 0, 0, height * factor, width * factor);
  const values = new Float32Array(height * width);
  whole.values.forEach((value, i) => {
    const [y, x] = [Math.floor(i / whole.width / factor), Math.floor((i % whole.width) / factor)];
    values[y * width + x] = (values[y * width + x] as number) + value / factor ** 2;
  });
  return { height, width, values };
}
