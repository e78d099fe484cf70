/** Handwritten digits in the page: a small part of MNIST, which the build puts beside the pages. */

export const SIDE = 28;
const PIXELS = SIDE * SIDE;

/** Where the file lies below the folder of the pages. */
export const DIGITS_FILE = 'data/digits.bin';
/** Digits to train with, which come first in the file, and others to test with. */
export const TRAINED = 4000;
export const HELD = 1000;

/** Digits one after another. */
export interface DigitSet {
  /** Bytes row by row; 255 is ink. */
  pixels: Uint8Array;
  labels: Uint8Array;
}

/** The file: all labels, then all pixels. */
export function joinDigits({ pixels, labels }: DigitSet): Uint8Array {
  const file = new Uint8Array(labels.length + pixels.length);
  file.set(labels);
  file.set(pixels, labels.length);
  return file;
}

/** Some digits of a set. */
export function partOf({ pixels, labels }: DigitSet, begin: number, end: number): DigitSet {
  return { labels: labels.subarray(begin, end), pixels: pixels.subarray(begin * PIXELS, end * PIXELS) };
}

/** Reads such a file. */
export function splitDigits(file: Uint8Array): DigitSet {
  const count = file.length / (PIXELS + 1);
  if (!Number.isInteger(count) || count === 0)
    throw new Error(`splitDigits: file must hold whole digits, received ${file.length} bytes.`);
  return { labels: file.subarray(0, count), pixels: file.subarray(count) };
}

/** The address of the file, as a page one folder below sees it. */
export const digitsUrl = (): string => new URL(`../${DIGITS_FILE}`, document.baseURI).href;

/** Fetches the digits. */
export async function fetchDigits(url: string): Promise<{ train: DigitSet; test: DigitSet }> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The digits could not be loaded (${response.status}).`);
  const all = splitDigits(new Uint8Array(await response.arrayBuffer()));
  return { train: partOf(all, 0, TRAINED), test: partOf(all, TRAINED, all.labels.length) };
}
