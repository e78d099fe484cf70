import { argumentError } from '../core/checks.js';

/** A tensor of a file: its shape, and its numbers once they are asked for. */
export interface FileTensor {
  /** Lengths of its axes. */
  readonly shape: readonly number[];
  /** As the file calls it: `F32`, `F16`, `BF16`, ... */
  readonly dtype: string;
  /** The numbers in row-major order, of a copy. Throws for types other than the three floating ones above. */
  readonly read: () => Float32Array<ArrayBuffer>;
}

/** Bytes of one number. */
const BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
};

const LENGTH_BYTES = 8;
/** What the format allows. */
const LARGEST_HEADER = 100_000_000;
const OWNER = 'readSafetensors';

/**
 * Reads a file of the safetensors format.
 *
 * Takes the bytes of the file and returns its tensors by name. Numbers are converted when they
 * are read: `F32`, `F16` and `BF16` to float32. Nothing that the file says is believed: lengths, offsets, shapes and types
 * must agree with each other and with the size of the file, and the tensors must fill it without gap or overlap.
 *
 * @throws If the file is not of this format, is cut short, or contradicts itself.
 *
 * @example
 * ```ts
 * import { readSafetensors } from 'tfjs-llf';
 *
 * const header = new TextEncoder().encode('{"bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}');
 * const file = new Uint8Array(8 + header.length + 8); // length of the header, header, numbers
 * file[0] = header.length;
 * file.set(header, 8);
 * file.set(new Uint8Array(new Float32Array([1, 2]).buffer), 8 + header.length);
 * if (readSafetensors(file).get('bias')?.read().join() !== '1,2') throw new Error('the bias');
 * ```
 */
export function readSafetensors(file: ArrayBuffer | Uint8Array): Map<string, FileTensor> {
  // Plain bytes: `slice` of a Buffer of Node would not copy.
  const bytes = 'buffer' in file ? new Uint8Array(file.buffer, file.byteOffset, file.length) : new Uint8Array(file);
  const start = headerEnd(bytes);
  const data = bytes.subarray(start);
  const tensors = new Map<string, FileTensor>();
  const ranges: [name: string, begin: number, end: number][] = [];
  for (const [name, entry] of Object.entries(parseHeader(bytes.subarray(LENGTH_BYTES, start)))) {
    if (name === '__metadata__') continue;
    const { dtype, shape, begin, end } = checkEntry(name, entry, data.length);
    ranges.push([name, begin, end]);
    tensors.set(name, { dtype, shape, read: () => decode(name, dtype, data.slice(begin, end)) });
  }
  let filled = 0;
  // Of tensors that begin at one place, the empty ones come first.
  for (const [name, begin, end] of ranges.sort((a, b) => a[1] - b[1] || a[2] - b[2])) {
    if (begin !== filled) throw argumentError(OWNER, `data_offsets of "${name}"`, `to begin at ${filled}`, begin);
    filled = end;
  }
  if (filled !== data.length) throw argumentError(OWNER, 'file', `to end with its tensors at ${filled}`, data.length);
  return tensors;
}

/** Where the header ends and the numbers begin. */
function headerEnd(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES) throw argumentError(OWNER, 'file', 'of at least 8 bytes', bytes.length);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > Math.min(LARGEST_HEADER, bytes.length - LENGTH_BYTES))
    throw argumentError(OWNER, 'length of the header', `within the file of ${bytes.length} bytes`, length);
  return LENGTH_BYTES + length;
}

function parseHeader(bytes: Uint8Array): object {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw argumentError(OWNER, 'header', 'JSON in UTF-8', 'something else');
  }
  if (!isObject(header)) throw argumentError(OWNER, 'header', 'an object', header);
  return header;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether it is a list of whole numbers of at least 0. */
function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);
}

interface Entry {
  dtype: string;
  shape: number[];
  begin: number;
  end: number;
}

function checkEntry(name: string, entry: unknown, length: number): Entry {
  const field = (key: string): unknown =>
    isObject(entry) && Object.hasOwn(entry, key) ? Reflect.get(entry, key) : null;
  const [dtype, shape, offsets] = [field('dtype'), field('shape'), field('data_offsets')];
  const size = typeof dtype === 'string' && Object.hasOwn(BYTES, dtype) ? BYTES[dtype] : undefined;
  if (size === undefined)
    throw argumentError(OWNER, `dtype of "${name}"`, `one of ${Object.keys(BYTES).join(', ')}`, dtype);
  if (!isCounts(shape)) throw argumentError(OWNER, `shape of "${name}"`, 'a list of whole numbers', shape);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw argumentError(OWNER, `data_offsets of "${name}"`, 'two whole numbers', offsets);
  const [begin, end] = offsets as [number, number];
  const needed = shape.reduce((product, side) => product * side, size);
  if (begin > end || end > length || end - begin !== needed)
    throw argumentError(OWNER, `data_offsets of "${name}"`, `${needed} bytes within ${length}`, offsets);
  return { dtype: dtype as string, shape, begin, end };
}

function decode(name: string, dtype: string, { buffer }: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  if (dtype === 'F32') return new Float32Array(buffer);
  const halves = dtype === 'F16' || dtype === 'BF16' ? new Uint16Array(buffer) : undefined;
  if (!halves) throw argumentError(OWNER, `dtype of "${name}"`, 'F32, F16 or BF16 to be read', dtype);
  const bits = Uint32Array.from(halves, dtype === 'F16' ? expandHalf : (half) => half << 16);
  return new Float32Array(bits.buffer);
}

/** The bits of a float32 equal to a float16. */
function expandHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Below the smallest normal number: fraction · 2^-24, whose highest bit becomes the hidden one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 1023) << 13);
}
