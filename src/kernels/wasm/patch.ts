/**
 * Applies a patch that `scripts/patch.mjs` made of two nearly equal files: a list of steps, each of which inserts some
 * bytes of the patch and then copies some of the source.
 */
export function applyPatch(source: Uint8Array, patch: Uint8Array): Uint8Array<ArrayBuffer> {
  const target: number[] = [];
  let place = 0;
  let from = 0;
  const readNumber = (): number => {
    let number = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = patch[place++] as number;
      number |= (byte & 127) << shift;
      if (byte < 128) return number;
    }
  };
  while (place < patch.length) {
    const inserted = readNumber();
    for (let i = 0; i < inserted; i++) target.push(patch[place++] as number);
    const copied = readNumber();
    const shift = readNumber();
    from += shift % 2 === 0 ? shift / 2 : -(shift + 1) / 2;
    for (let i = 0; i < copied; i++) target.push(source[from++] as number);
  }
  return Uint8Array.from(target);
}
