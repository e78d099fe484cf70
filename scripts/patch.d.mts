/** See patch.mjs. */
export function makePatch(source: Buffer, target: Buffer): Uint8Array;
