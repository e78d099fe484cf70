/**
 * The picture of the docs, from what the experiment has written: the curve of the style "crisp", and a part of a chest
 * before, after and as it should be. Writes `docs/guides/xray-style.svg`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cropped } from '../../examples/data/grey_image.js';
import { readPng, writePng } from '../../examples/data/png.js';
import { FOLDER } from './folder.js';

const FILE = new URL('../../docs/guides/xray-style.svg', import.meta.url);
const WIDTH = 640;
const CHART = 360;
const SIDE = 160;
const NAMES = ['before', 'learned', 'as it should be'];
/** A part with ribs, lung and the edge of the body: the part of each of the three images that begins there is shown. */
const CORNER = { top: 130, left: 60 };

const [chart, row] = [`${FOLDER}/crisp.svg`, `${FOLDER}/crisp-chest.png`];
if (!existsSync(chart) || !existsSync(row)) throw new Error('picture: run the experiment xray-style first.');
const images = readPng(readFileSync(row));
const gap = (WIDTH - NAMES.length * SIDE) / NAMES.length;
const shown = NAMES.map((name, i) => {
  const left = (i * images.width) / NAMES.length + CORNER.left;
  const png = Buffer.from(writePng(cropped(images, CORNER.top, left, SIDE, SIDE))).toString('base64');
  const x = gap / 2 + i * (SIDE + gap);
  return [
    `<image x="${x.toFixed(0)}" y="${CHART}" width="${SIDE}" height="${SIDE}" href="data:image/png;base64,${png}"/>`,
    `<text x="${(x + SIDE / 2).toFixed(0)}" y="${CHART + SIDE + 18}" text-anchor="middle">${name}</text>`,
  ].join('\n');
});
const curve = readFileSync(chart, 'utf8').replace('<svg ', `<svg width="${WIDTH}" height="${CHART}" `);
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${CHART + SIDE + 28}">
<title>A learned curve beside the hidden one, and a chest radiograph before, after and as it should be</title>
${curve}${shown.join('\n')}
</svg>
`;
writeFileSync(FILE, svg);
console.log(`${FILE.pathname}: ${Math.round(svg.length / 1000)} kB`);
