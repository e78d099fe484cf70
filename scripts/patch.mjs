/**
 * A patch that makes `target` out of `source`, for two files that are nearly the same; `src/kernels/wasm/patch.ts` applies it.
 *
 * It is a list of steps: how many bytes to insert, those bytes, how many to copy from the source, and from how far behind
 * the end of the copy before (negative ones lie ahead of it). Numbers are LEB128, signed ones zigzag.
 */

/** Shorter matches cost more as a step than as inserted bytes. */
const SHORTEST = 10;

/** Places of each run of bytes in the source. */
function indexOf(source) {
  const places = new Map();
  for (let i = 0; i + SHORTEST <= source.length; i++) {
    const key = source.toString('latin1', i, i + SHORTEST);
    const known = places.get(key);
    if (known) known.push(i);
    else places.set(key, [i]);
  }
  return places;
}

function matchLength(source, from, target, at) {
  let length = 0;
  while (from + length < source.length && at + length < target.length && source[from + length] === target[at + length])
    length++;
  return length;
}

function writeNumber(bytes, number) {
  let left = number;
  for (; left > 127; left >>>= 7) bytes.push((left & 127) | 128);
  bytes.push(left);
}

/** The patch as bytes. */
export function makePatch(source, target) {
  const places = indexOf(source);
  const patch = [];
  let inserted = 0;
  let expected = 0;
  const step = (end, from, length) => {
    writeNumber(patch, end - inserted);
    patch.push(...target.subarray(inserted, end));
    writeNumber(patch, length);
    const shift = from - expected;
    writeNumber(patch, shift < 0 ? -2 * shift - 1 : 2 * shift);
    inserted = end + length;
    expected = from + length;
  };
  let at = 0;
  while (at < target.length) {
    const candidates = places.get(target.toString('latin1', at, at + SHORTEST)) ?? [];
    let best = { from: 0, length: 0 };
    for (const from of candidates) {
      const length = matchLength(source, from, target, at);
      if (length > best.length || (length === best.length && from === expected)) best = { from, length };
    }
    if (best.length > 0) step(at, best.from, best.length);
    at += Math.max(1, best.length);
  }
  step(target.length, expected, 0);
  return Uint8Array.from(patch);
}
