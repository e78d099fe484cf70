/** PNG files of 8 and 16 bits. */
import { decode, encode } from 'fast-png';
import type { GreyImage } from './grey_image.js';

/** The weights of red, green and blue in brightness (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114] as const;

/** Reads a file of 8 or 16 bits a channel; colours become their brightness, transparency is ignored. */
export function readPng(bytes: Uint8Array): GreyImage {
  const { width, height, data, channels, depth, palette } = decode(bytes);
  if (palette) throw new Error('readPng: image must have grey or true colours, received a palette.');
  const most = 2 ** depth - 1;
  const colours = channels >= 3 ? 3 : 1;
  const values = Float32Array.from({ length: width * height }, (_, i) => {
    if (colours === 1) return (data[i * channels] as number) / most;
    return LUMA.reduce((sum, weight, c) => sum + weight * (data[i * channels + c] as number), 0) / most;
  });
  return { height, width, values };
}

/** Writes a grey image; what lies beyond 0 and 1 is cut. */
export function writePng({ width, height, values }: GreyImage, depth: 8 | 16 = 8): Uint8Array {
  const most = 2 ** depth - 1;
  const scaled = Array.from(values, (value) => Math.round(most * Math.min(1, Math.max(0, value))));
  const data = depth === 8 ? Uint8Array.from(scaled) : Uint16Array.from(scaled);
  return encode({ width, height, data, channels: 1, depth });
}
