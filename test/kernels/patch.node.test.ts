import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePatch } from '../../scripts/patch.mjs';
import { applyPatch } from '../../src/kernels/wasm/patch.js';

/** A file, and one made of it by cutting, repeating, moving and changing pieces. */
const pairs = fc
  .tuple(
    fc.uint8Array({ maxLength: 400 }),
    fc.array(fc.tuple(fc.nat(400), fc.nat(60), fc.uint8Array({ maxLength: 6 })), { maxLength: 20 }),
  )
  .map(([source, pieces]) => ({
    source,
    target: Uint8Array.from(
      pieces.flatMap(([from, length, extra]) => [...source.slice(from, from + length), ...extra]),
    ),
  }));

describe('a patch', () => {
  it('makes the target out of the source', () => {
    fc.assert(
      fc.property(pairs, ({ source, target }) => {
        const patch = makePatch(Buffer.from(source), Buffer.from(target));
        expect(applyPatch(source, patch)).toEqual(target);
      }),
      { numRuns: 300 },
    );
  });

  it('is small where little was changed, wherever that is', () => {
    const source = Uint8Array.from({ length: 50_000 }, (_, i) => (i * i * 7 + (i >> 3)) % 251);
    const target = Uint8Array.from([
      ...source.slice(0, 20_000),
      1,
      2,
      3,
      ...source.slice(20_010, 40_000),
      9,
      ...source.slice(300),
    ]);
    const patch = makePatch(Buffer.from(source), Buffer.from(target));
    expect(applyPatch(source, patch)).toEqual(target);
    expect(patch.length).toBeLessThan(200);
  });
});
