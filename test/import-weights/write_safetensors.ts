import type { NumberArray } from '../cropr/golden.js';

/** The types that our reader converts. */
export type FloatType = 'F32' | 'F16' | 'BF16';

const floatOf = new Float32Array(1);
const bitsOf = new Uint32Array(floatOf.buffer);

function bits(value: number): number {
  floatOf[0] = value;
  return bitsOf[0] as number;
}

/** The nearest float16, ties to even, for numbers within its normal range; smaller ones become 0. */
function half(value: number): number {
  const b = bits(value);
  const exponent = ((b >>> 23) & 255) - 112;
  const sign = (b >>> 16) & 0x8000;
  if (exponent <= 0) return sign;
  return sign | (((exponent << 10) | ((b >>> 13) & 1023)) + roundUp(b, 13));
}

/** 1 where the bits below `place` are more than half, or half and the number above is odd. */
function roundUp(b: number, place: number): number {
  const [rest, middle] = [b & ((1 << place) - 1), 1 << (place - 1)];
  return rest > middle || (rest === middle && ((b >>> place) & 1) === 1) ? 1 : 0;
}

function encode(values: ArrayLike<number>, type: FloatType): Uint8Array {
  if (type === 'F32') return new Uint8Array(Float32Array.from(values).buffer);
  const convert = type === 'F16' ? half : (value: number): number => (bits(value) >>> 16) + roundUp(bits(value), 16);
  return new Uint8Array(Uint16Array.from(values, convert).buffer);
}

/** A file of a header, as an object or text, and the bytes behind it. */
export function safetensorsFile(header: unknown, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

/** Tensors in a file of the safetensors format, one behind the other. */
export function writeSafetensors(tensors: Readonly<Record<string, NumberArray>>, type: FloatType = 'F32'): Uint8Array {
  const header: [string, unknown][] = [['__metadata__', { format: 'pt' }]];
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const part = encode(values, type);
    header.push([name, { dtype: type, shape, data_offsets: [length, length + part.length] }]);
    parts.push(part);
    length += part.length;
  }
  const data = new Uint8Array(length);
  let filled = 0;
  for (const part of parts) {
    data.set(part, filled);
    filled += part.length;
  }
  return safetensorsFile(Object.fromEntries(header), data);
}
