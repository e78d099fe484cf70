/** Pictures of digits for a page: the image, and over it a cover on every patch that was pruned. */

/** A square grey image and its grid of patches. */
export interface PatchImage {
  /** Bytes row by row; 255 is ink. */
  pixels: Uint8Array;
  /** Side of the image in pixels, a multiple of 4. */
  side: number;
  /** Side of a patch in pixels; divides the image. */
  patchSize: number;
}

/** A grey image as the bytes of a BMP file: every browser reads it and it needs no compression. */
export function bitmap({ pixels, side }: PatchImage): Uint8Array {
  if (side % 4 !== 0 || pixels.length !== side * side)
    throw new Error(`bitmap: side must be a multiple of 4 and fit ${pixels.length} pixels, received ${side}.`);
  const start = 54 + 4 * 256;
  const file = new Uint8Array(start + pixels.length);
  const view = new DataView(file.buffer);
  file.set([0x42, 0x4d]); // "BM"
  view.setUint32(2, file.length, true);
  view.setUint32(10, start, true);
  view.setUint32(14, 40, true); // length of the second header
  view.setInt32(18, side, true);
  view.setInt32(22, side, true);
  view.setUint16(26, 1, true); // planes
  view.setUint16(28, 8, true); // bits per pixel
  for (let grey = 0; grey < 256; grey++) file.fill(grey, 54 + 4 * grey, 57 + 4 * grey);
  // BMP begins with the lowest row.
  for (let row = 0; row < side; row++)
    file.set(pixels.subarray(row * side, (row + 1) * side), start + (side - 1 - row) * side);
  return file;
}

/** The places of the grid that are not in `kept`. */
export function prunedPatches(kept: readonly number[], { side, patchSize }: PatchImage): number[] {
  const places = (side / patchSize) ** 2;
  return Array.from({ length: places }, (_, place) => place).filter((place) => !kept.includes(place));
}

/** The patches left, in words: `row 1: 2, 3; row 2: 1`. */
export function inWords(kept: readonly number[], { side, patchSize }: PatchImage): string {
  const columns = side / patchSize;
  const rows = Array.from({ length: columns }, (_, row) => {
    const inRow = kept.filter((place) => Math.floor(place / columns) === row).map((place) => (place % columns) + 1);
    return inRow.length === 0 ? [] : [`row ${row + 1}: ${inRow.join(', ')}`];
  });
  return rows.flat().join('; ');
}

/** The image as an SVG element that {@link prunedPicture} refers to by `id`. */
export function picture(image: PatchImage, id: string, label: string): string {
  const href = `data:image/bmp;base64,${Buffer.from(bitmap(image)).toString('base64')}`;
  const { side } = image;
  return svg(image, label, `<image id="${id}" width="${side}" height="${side}" href="${href}"/>`);
}

/** The image `id` again, with a cover on the patches that are not in `kept`. */
export function prunedPicture(image: PatchImage, id: string, kept: readonly number[], label: string): string {
  const { side, patchSize } = image;
  const columns = side / patchSize;
  const squares = (places: readonly number[]): string =>
    places
      .map((place) => [(place % columns) * patchSize, Math.floor(place / columns) * patchSize])
      .map(([x, y]) => `M${x} ${y}h${patchSize}v${patchSize}h-${patchSize}z`)
      .join('');
  const covers = `<path class="pruned" d="${squares(prunedPatches(kept, image))}"/>`;
  return svg(image, label, `<use href="#${id}"/>${covers}<path class="kept" d="${squares(kept)}"/>`);
}

function svg({ side }: PatchImage, label: string, content: string): string {
  return `<svg viewBox="0 0 ${side} ${side}" role="img" aria-label="${escapeHtml(label)}">${content}</svg>`;
}

/** Text as it may stand in HTML, attributes included. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replaceAll(/[&<>"']/g, (character) => names[character] as string);
}
