import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/import-weights/safetensors.js';
import { safetensorsFile, writeSafetensors } from './write_safetensors.js';

/** Some tensors, empty and scalar ones among them, by any name that JSON can hold. */
const tensors = fc.dictionary(
  fc.string().filter((name) => name !== '__metadata__' && name !== '__proto__'),
  fc.array(fc.nat(3), { maxLength: 3 }).chain((shape) =>
    fc
      .array(fc.float({ noNaN: true }), {
        minLength: shape.reduce((product, side) => product * side, 1),
        maxLength: shape.reduce((product, side) => product * side, 1),
      })
      .map((values) => ({ shape, values })),
  ),
  { maxKeys: 5 },
);

describe('readSafetensors', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(tensors, (written) => {
        const read = readSafetensors(writeSafetensors(written));
        expect([...read.keys()].sort()).toEqual(Object.keys(written).sort());
        for (const [name, { shape, values }] of Object.entries(written)) {
          expect(read.get(name)?.shape).toEqual(shape);
          expect(Array.from(read.get(name)?.read() ?? [])).toEqual(values);
        }
      }),
    );
  });

  it('takes a part of a larger buffer, at any offset, and leaves it alone', () => {
    const file = writeSafetensors({ a: { shape: [2], values: [1, 2] } });
    for (const offset of [0, 1, 2, 3, 8]) {
      const outer = new Uint8Array(file.length + offset);
      outer.set(file, offset);
      const read = readSafetensors(outer.subarray(offset)).get('a')?.read();
      expect(Array.from(read ?? [])).toEqual([1, 2]);
      read?.fill(0);
      expect(outer.subarray(offset)).toEqual(file);
    }
    expect(readSafetensors(file.buffer as ArrayBuffer).size).toBe(1);
    const fromNode = readSafetensors(Buffer.from(file)).get('a')?.read();
    expect(Array.from(fromNode ?? [])).toEqual([1, 2]);
  });

  it('converts every float16 and bfloat16', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const read = (dtype: string): Float32Array | undefined =>
      readSafetensors(
        safetensorsFile({ x: { dtype, shape: [65536], data_offsets: [0, 131072] } }, new Uint8Array(all.buffer)),
      )
        .get('x')
        ?.read();
    /** What the bits say, by the definition. */
    const value = (bits: number, exponentBits: number): number => {
      const fractionBits = 15 - exponentBits;
      const sign = bits & 0x8000 ? -1 : 1;
      const [exponent, fraction] = [(bits & 0x7fff) >> fractionBits, bits & (2 ** fractionBits - 1)];
      const bias = 2 ** (exponentBits - 1) - 1;
      if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
      if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
      return sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
    };
    expect(read('F16')).toEqual(Float32Array.from(all, (bits) => value(bits, 5)));
    expect(read('BF16')).toEqual(Float32Array.from(all, (bits) => value(bits, 8)));
  });

  it('lists tensors of other types, and says so when they are read', () => {
    const file = safetensorsFile({ x: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, new Uint8Array(8));
    expect(readSafetensors(file).get('x')?.dtype).toBe('I64');
    expect(() => readSafetensors(file).get('x')?.read()).toThrow(
      'readSafetensors: dtype of "x" must be F32, F16 or BF16 to be read, received "I64".',
    );
  });

  const four = new Uint8Array(4);
  const entry = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
  it.each([
    ['too short for a length', new Uint8Array(7), 'file must be of at least 8 bytes'],
    ['a header longer than the file', new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 123, 125]), 'length of the header'],
    ['a header of 2^63 bytes', new Uint8Array([0, 0, 0, 0, 0, 0, 0, 128, 123, 125]), 'length of the header'],
    ['no JSON', safetensorsFile('{"x":', four), 'header must be JSON'],
    ['a list', safetensorsFile('[]', four), 'header must be an object'],
    ['null', safetensorsFile('null', four), 'header must be an object'],
    ['an entry that is no object', safetensorsFile({ x: 1 }, four), 'dtype of "x"'],
    ['an unknown type', safetensorsFile({ x: { ...entry, dtype: 'F31' } }, four), 'dtype of "x"'],
    ['a type from the prototype', safetensorsFile({ x: { ...entry, dtype: 'toString' } }, four), 'dtype of "x"'],
    ['a negative side', safetensorsFile({ x: { ...entry, shape: [-1] } }, four), 'shape of "x"'],
    ['half a side', safetensorsFile({ x: { ...entry, shape: [0.5] } }, four), 'shape of "x"'],
    ['no shape', safetensorsFile({ x: { ...entry, shape: 1 } }, four), 'shape of "x"'],
    ['one offset', safetensorsFile({ x: { ...entry, data_offsets: [0] } }, four), 'data_offsets of "x"'],
    ['offsets backwards', safetensorsFile({ x: { ...entry, data_offsets: [4, 0] } }, four), '4 bytes within 4'],
    ['an end behind the file', safetensorsFile({ x: { ...entry, data_offsets: [1, 5] } }, four), '4 bytes within 4'],
    ['too few bytes', safetensorsFile({ x: { ...entry, shape: [2] } }, four), '8 bytes within 4'],
    ['a product past 2^53', safetensorsFile({ x: { ...entry, shape: [2 ** 40, 2 ** 40] } }, four), 'within 4'],
    ['an overlap', safetensorsFile({ x: entry, y: entry }, four), 'data_offsets of "y" must be to begin at 4'],
    [
      'a gap',
      safetensorsFile({ x: { ...entry, data_offsets: [4, 8] } }, new Uint8Array(8)),
      'data_offsets of "x" must be to begin at 0',
    ],
    ['bytes that no tensor has', safetensorsFile({ x: entry }, new Uint8Array(8)), 'file must be to end'],
  ])('refuses %s', (_, file, message) => {
    expect(() => readSafetensors(file)).toThrow(`readSafetensors: `);
    expect(() => readSafetensors(file)).toThrow(message);
  });

  it('refuses a file cut off anywhere', () => {
    const file = writeSafetensors({ a: { shape: [2], values: [1, 2] }, b: { shape: [], values: [3] } });
    for (let length = 0; length < file.length; length++) {
      expect(() => readSafetensors(file.subarray(0, length)), String(length)).toThrow('readSafetensors: ');
    }
  });

  it('reads or refuses whatever bytes it gets, and never more numbers than there are bytes', () => {
    const valid = writeSafetensors({ a: { shape: [1, 2], values: [1, 2] }, 'b.c': { shape: [1], values: [3] } });
    const damaged = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const file = valid.slice();
        for (const [place, byte] of changes) file[place] = byte;
        return file;
      });
    // Header texts that are JSON of any kind, about the few bytes behind them.
    const field = fc.oneof(
      fc.constantFrom('F32', 'BF16', 'BOOL'),
      fc.json().map((text) => JSON.parse(text) as unknown),
    );
    const offsets = fc.oneof(fc.array(fc.nat(12), { maxLength: 3 }), field);
    const header = fc.dictionary(fc.string(), fc.record({ dtype: field, shape: offsets, data_offsets: offsets }));
    const composed = fc
      .tuple(header, fc.uint8Array({ maxLength: 12 }))
      .map(([entries, data]) => safetensorsFile(entries, data));
    fc.assert(
      fc.property(fc.oneof(damaged, composed, fc.uint8Array({ maxLength: 40 })), (file) => {
        try {
          for (const { dtype, read } of readSafetensors(file).values()) {
            if (/^B?F(16|32)$/.test(dtype)) expect(read().byteLength).toBeLessThanOrEqual(2 * file.length);
          }
        } catch (error) {
          expect((error as Error).message).toMatch(/^readSafetensors: /);
        }
      }),
      { numRuns: 500 },
    );
  });
});
