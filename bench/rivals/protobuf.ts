/** Protocol buffers, as far as an ONNX file needs them. Each function but `join` writes one field. */

/** Whole number of variable length, seven bits a byte; a negative one as its 64-bit complement. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** Fields one after another: a message that no field holds. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let place = 0;
  for (const part of parts) {
    joined.set(part, place);
    place += part.length;
  }
  return joined;
}

/** int32, int64, enum. */
export function int(field: number, value: number): Uint8Array {
  return join([varint(field * 8), varint(value)]);
}

/** float. */
export function float(field: number, value: number): Uint8Array {
  return join([varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer)]);
}

/** bytes, or a message of these fields. */
export function message(field: number, ...fields: readonly Uint8Array[]): Uint8Array {
  const size = fields.reduce((total, part) => total + part.length, 0);
  return join([varint(field * 8 + 2), varint(size), ...fields]);
}

/** string. */
export function text(field: number, value: string): Uint8Array {
  return message(field, new TextEncoder().encode(value));
}
