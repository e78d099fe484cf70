/** The page that `npm start` writes: the table, and for a few digits the patches that survive each router. */
import type { KeptTokens } from 'tfjs-llf';
import { MNIST_SIDE, type MnistSplit } from '../data/mnist.js';
import { escapeHtml, inWords, type PatchImage, picture, prunedPicture } from './picture.js';
import { STYLE } from './style.js';

/** A digit of the page. */
export interface ShownDigit extends PatchImage {
  label: number;
  predicted: number;
  /** For each router the patches that are left after it, numbered row by row from 0. */
  kept: readonly (readonly number[])[];
}

/** What the page holds. */
export interface Report {
  /** How the digits were chosen. */
  choice: string;
  /** Where the routers stand: `after block 1`, ... */
  places: readonly string[];
  digits: readonly ShownDigit[];
  /** The first row is the head. */
  table: readonly (readonly string[])[];
  /** What stands above and below the table. */
  caption: string;
  note: string;
}

/** Brings together what the page says of each digit; as many digits as `kept` tells of. */
export function shownDigits(
  { pixels, labels }: MnistSplit,
  predicted: readonly number[],
  kept: readonly KeptTokens[],
  patchSize: number,
): ShownDigit[] {
  const size = MNIST_SIDE ** 2;
  return Array.from({ length: kept[0]?.kept.length ?? 0 }, (_, i) => ({
    pixels: pixels.subarray(i * size, (i + 1) * size),
    side: MNIST_SIDE,
    patchSize,
    label: labels[i] as number,
    predicted: predicted[i] as number,
    kept: kept.map((router) => router.kept[i] as number[]),
  }));
}

/** A page of one file: light or dark as the reader's system is, narrow or wide, with a text for each picture. */
export function reportPage({ choice, places, digits, table, caption, note }: Report): string {
  const patches = digits[0] ? (digits[0].side / digits[0].patchSize) ** 2 : 0;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The patches that a Cropr ViT keeps</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>The patches that a Cropr ViT keeps</h1>
<p>Each digit is cut into ${patches} patches. A router after a block keeps the patches that matter and drops the others,
so that the blocks behind it have less to do. Outlined patches are left; covered ones are gone. ${escapeHtml(choice)}</p>
<ol class="digits">
${digits.map((digit, i) => digitFigure(digit, `digit-${i}`, places)).join('\n')}
</ol>
<h2>What it costs and what it saves</h2>
${tableElement(table, caption)}
<p>${escapeHtml(note)}</p>
</main>
</body>
</html>
`;
}

function digitFigure(digit: ShownDigit, id: string, places: readonly string[]): string {
  const { label, predicted, kept } = digit;
  const verdict = predicted === label ? `read as ${predicted}` : `<strong>read as ${predicted}</strong>`;
  const cells = [
    cell(picture(digit, id, `The digit ${label}`), 'image'),
    ...places.map((place, i) => {
      const left = kept[i] ?? [];
      const count = left.length === 1 ? '1 patch' : `${left.length} patches`;
      const words = `The digit ${label} ${place}, ${count} left: ${inWords(left, digit)}`;
      return cell(prunedPicture(digit, id, left, words), `${place}: ${left.length}`);
    }),
  ];
  return `<li><figure><div class="row">${cells.join('')}</div>
<figcaption>A ${label}, ${verdict}</figcaption></figure></li>`;
}

function cell(image: string, text: string): string {
  return `<div>${image}<span>${escapeHtml(text)}</span></div>`;
}

function tableElement([head = [], ...rows]: readonly (readonly string[])[], caption: string): string {
  const line = (row: readonly string[], first: string): string =>
    `<tr>${row
      .map((text, i) => (i === 0 ? `<th scope="${first}">${escapeHtml(text)}</th>` : tag(first, escapeHtml(text))))
      .join('')}</tr>`;
  return `<div class="scroll"><table>
<caption>${escapeHtml(caption)}</caption>
<thead>${line(head, 'col')}</thead>
<tbody>${rows.map((row) => line(row, 'row')).join('')}</tbody>
</table></div>`;
}

function tag(first: string, text: string): string {
  return first === 'col' ? `<th scope="col">${text}</th>` : `<td>${text}</td>`;
}
