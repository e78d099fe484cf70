import { describe, expect, it } from 'vitest';
import { bitmap, escapeHtml, inWords, prunedPatches, prunedPicture } from '../../examples/quickstart/picture.js';
import { type Report, reportPage, shownDigits } from '../../examples/quickstart/report.js';

const IMAGE = { pixels: Uint8Array.from({ length: 64 }, (_, i) => 4 * i), side: 8, patchSize: 4 };

describe('bitmap', () => {
  const file = bitmap(IMAGE);
  const view = new DataView(file.buffer);

  it('has the header of an 8-bit BMP file', () => {
    expect(Buffer.from(file.subarray(0, 2)).toString()).toBe('BM');
    expect(view.getUint32(2, true)).toBe(file.length);
    expect([18, 22].map((at) => view.getInt32(at, true))).toEqual([8, 8]);
    expect(view.getUint16(28, true)).toBe(8);
  });

  it('holds every pixel, the lowest row first', () => {
    const start = view.getUint32(10, true);
    const rows = Array.from({ length: 8 }, (_, row) => [...file.subarray(start + row * 8, start + (row + 1) * 8)]);
    expect(rows.reverse().flat()).toEqual([...IMAGE.pixels]);
  });

  it('has a palette of greys', () => {
    for (const grey of [0, 1, 128, 255])
      expect([...file.subarray(54 + 4 * grey, 58 + 4 * grey)]).toEqual([grey, grey, grey, 0]);
  });

  it.each([
    ['rows that would need padding', { pixels: new Uint8Array(36), side: 6, patchSize: 3 }],
    ['pixels that do not fit', { pixels: new Uint8Array(63), side: 8, patchSize: 4 }],
  ])('refuses %s', (_, image) => {
    expect(() => bitmap(image)).toThrow(
      `bitmap: side must be a multiple of 4 and fit ${image.pixels.length} pixels, received ${image.side}.`,
    );
  });
});

describe('the patches of a picture', () => {
  it('are kept or pruned', () => {
    expect(prunedPatches([1, 2], IMAGE)).toEqual([0, 3]);
    expect(prunedPatches([], IMAGE)).toEqual([0, 1, 2, 3]);
  });

  it('are named by row and column, from 1', () => {
    expect(inWords([0, 2, 3], IMAGE)).toBe('row 1: 1; row 2: 1, 2');
    expect(inWords([3], IMAGE)).toBe('row 2: 2');
  });

  it('are drawn where they lie: covered if pruned, outlined if kept', () => {
    const svg = prunedPicture(IMAGE, 'one', [2], '');
    expect(svg).toContain('<use href="#one"/>');
    expect(svg).toContain('class="pruned" d="M0 0h4v4h-4zM4 0h4v4h-4zM4 4h4v4h-4z"');
    expect(svg).toContain('class="kept" d="M0 4h4v4h-4z"');
  });
});

describe('reportPage', () => {
  const report: Report = {
    choice: 'Chosen <by> "me".',
    places: ['after block 1', 'after block 2'],
    digits: [
      { ...IMAGE, label: 5, predicted: 5, kept: [[0, 1], [1]] },
      { ...IMAGE, label: 4, predicted: 9, kept: [[2, 3], [3]] },
    ],
    table: [
      ['model', 'accuracy'],
      ['<b>Cropr</b>', '90 %'],
    ],
    caption: 'A & B',
    note: "it's",
  };
  const page = reportPage(report);
  const labels = [...page.matchAll(/role="img" aria-label="([^"]*)"/g)].map(([, label]) => label);

  it('escapes all texts', () => {
    expect(escapeHtml(`<a href="x" title='y'>&</a>`)).toBe(
      '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&lt;/a&gt;',
    );
    for (const text of ['Chosen &lt;by&gt; &quot;me&quot;.', '&lt;b&gt;Cropr&lt;/b&gt;', 'A &amp; B', 'it&#39;s'])
      expect(page).toContain(text);
    expect(page).not.toContain('<b>');
  });

  it('has for each digit the image and a picture per router, each with a text', () => {
    expect(labels).toEqual([
      'The digit 5',
      'The digit 5 after block 1, 2 patches left: row 1: 1, 2',
      'The digit 5 after block 2, 1 patch left: row 1: 2',
      'The digit 4',
      'The digit 4 after block 1, 2 patches left: row 2: 1, 2',
      'The digit 4 after block 2, 1 patch left: row 2: 2',
    ]);
    expect(page.match(/<svg /g)).toHaveLength(6);
  });

  it('embeds each image once and refers to it by an id of its own', () => {
    const ids = [...page.matchAll(/<image id="([^"]+)"[^>]*href="data:image\/bmp;base64,([^"]+)"/g)];
    expect(ids.map(([, id]) => id)).toEqual(['digit-0', 'digit-1']);
    expect(ids.map(([, , data]) => data)).toEqual(new Array(2).fill(Buffer.from(bitmap(IMAGE)).toString('base64')));
    expect([...page.matchAll(/<use href="#([^"]+)"/g)].map(([, id]) => id)).toEqual([
      'digit-0',
      'digit-0',
      'digit-1',
      'digit-1',
    ]);
  });

  it('says what was read, and stresses what was misread', () => {
    expect(page).toContain('A 5, read as 5');
    expect(page).toContain('A 4, <strong>read as 9</strong>');
  });

  it('asks nothing of the network', () => {
    expect(page).not.toMatch(/(src|href)="(?!#|data:)/);
    expect(page).not.toMatch(/@import|url\(/);
  });

  it('is a whole page', () => {
    expect(page.startsWith('<!doctype html>\n<html lang="en">')).toBe(true);
    expect(page.trimEnd().endsWith('</html>')).toBe(true);
    expect(page).toContain('width=device-width');
    expect(page).toContain('prefers-color-scheme: dark');
  });
});

describe('shownDigits', () => {
  it('gives each digit its own pixels, label, answer and patches', () => {
    const raw = { pixels: new Uint8Array(3 * 784).map((_, i) => Math.floor(i / 784)), labels: Uint8Array.of(7, 8, 9) };
    const routers = [
      {
        layer: 'router_0',
        kept: [
          [0, 1],
          [2, 3],
        ],
      },
      { layer: 'router_1', kept: [[1], [2]] },
    ];
    const digits = shownDigits(raw, [7, 1, 9], routers, 7);
    expect(digits.map(({ label, predicted, kept }) => ({ label, predicted, kept }))).toEqual([
      { label: 7, predicted: 7, kept: [[0, 1], [1]] },
      { label: 8, predicted: 1, kept: [[2, 3], [2]] },
    ]);
    expect(digits.map(({ pixels }) => [pixels.length, pixels[0], pixels[783]])).toEqual([
      [784, 0, 0],
      [784, 1, 1],
    ]);
  });
});
