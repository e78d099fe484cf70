/**
 * The picture of the docs, from what the experiment has trained: scenes, behind which block each patch left, what Cropr
 * predicts, and what is there. Writes `docs/guides/segmentation.svg`.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { keptTokens, stripAuxHeads } from 'tfjs-llf';
import { fileSystem } from 'tfjs-llf/node';
import { writePng } from '../../examples/data/png.js';
import { modelOf } from './files.js';
import { DIGIT_CLASSES, FULL, NETWORK, PRUNING, QUICK, SCENE } from './settings.js';
import { INK, testScenes } from './train.js';

const FILE = new URL('../../docs/guides/segmentation.svg', import.meta.url);
const SCENES = 4;
const SIDE = 144;
const GAP = 10;
const TOP = 24;
const { canvas } = SCENE;
const PATCH = NETWORK.patchSize;
/** Of the patches that leave behind each block, the earliest first, and of those that stay. */
const HEAT = ['#26456e', '#3a87b7', '#9fcae1', '#fdd49e', '#e34a33'];
/** Of the digits. */
const INKS = ['#1b9e77', '#d95f02', '#7570b3', '#e7298a', '#1f78b4'];

const settings = argv[3] === 'quick' ? QUICK : FULL;
const folder = modelOf(settings, 'cropr', settings.seeds[0] ?? 1);
if (!existsSync(`${folder}/model.json`)) throw new Error('picture: run the experiment segmentation first.');
await tf.setBackend('wasm');
await tf.ready();
const model = stripAuxHeads(await tf.loadLayersModel(fileSystem(folder)));
const { images, labels } = await testScenes(SCENES);
const modules = await keptTokens(model, images);
const predicted = tf.tidy(() => tf.argMax(model.predict(images) as tf.Tensor, -1));
const [ink, truth, found] = await Promise.all([images.data(), labels.data(), predicted.data()]);

/** The numbers of one scene. */
const of = <Numbers extends Float32Array | Int32Array | Uint8Array>(all: Numbers, scene: number): Numbers =>
  all.subarray(scene * canvas ** 2, (scene + 1) * canvas ** 2) as Numbers;

/** Draws inside a square of `canvas` units. */
const square = (x: number, y: number, content: string): string =>
  `<g transform="translate(${x} ${y}) scale(${SIDE / canvas})">${content}</g>
<rect x="${x}" y="${y}" width="${SIDE}" height="${SIDE}" fill="none" stroke="#bbb" stroke-width="0.5"/>`;

/** The picture of a scene, in grey. */
function grey(scene: number): string {
  const values = Float32Array.from(of(ink as Float32Array, scene), (value) => 1 - (value / INK.scale + INK.mean));
  const png = Buffer.from(writePng({ width: canvas, height: canvas, values })).toString('base64');
  const size = `width="${canvas}" height="${canvas}"`;
  return `<image ${size} style="image-rendering: pixelated" href="data:image/png;base64,${png}"/>`;
}

/** The pixels of each digit in its colour: as many at a time as lie in a row. */
function digits(map: Int32Array | Uint8Array): string {
  const runs = INKS.map(() => '');
  for (let pixel = 0; pixel < map.length; ) {
    const [label, column] = [map[pixel] as number, pixel % canvas];
    let length = 1;
    while (column + length < canvas && map[pixel + length] === label) length++;
    if (label < DIGIT_CLASSES) runs[label] += `M${column} ${(pixel - column) / canvas}h${length}v1h-${length}z`;
    pixel += length;
  }
  return runs.map((path, label) => (path === '' ? '' : `<path d="${path}" fill="${INKS[label]}"/>`)).join('');
}

/** Each patch in the colour of the module where it left. */
function heat(scene: number): string {
  const columns = canvas / PATCH;
  return HEAT.map((colour, module) => {
    const cells = Array.from({ length: columns ** 2 }, (_, i) => i).filter((i) => {
      const left = modules.findIndex(({ kept }) => !kept[scene]?.includes(i));
      return (left < 0 ? modules.length : left) === module;
    });
    const path = cells.map(
      (i) => `M${(i % columns) * PATCH} ${Math.floor(i / columns) * PATCH}h${PATCH}v${PATCH}h-${PATCH}z`,
    );
    return `<path d="${path.join('')}" fill="${colour}" fill-opacity="0.75"/>`;
  }).join('');
}

const titles = ['scene', 'when patches left', 'prediction', 'truth'];
const column = (i: number): number => GAP + i * (SIDE + GAP);
const head = titles.map((title, i) => `<text x="${column(i) + SIDE / 2}" y="16" text-anchor="middle">${title}</text>`);
const rows = Array.from({ length: SCENES }, (_, scene) => {
  const y = TOP + scene * (SIDE + GAP);
  const panels = [
    grey(scene),
    grey(scene) + heat(scene),
    digits(of(found as Int32Array, scene)),
    digits(of(truth as Int32Array, scene)),
  ];
  return panels.map((panel, i) => square(column(i), y, panel)).join('\n');
});
const bottom = TOP + SCENES * (SIDE + GAP);
const blocks = (PRUNING.cropr.after ?? []).map((block) => `after block ${block}`);
const width = column(titles.length);
const keys = [...blocks, 'stays'].map((name, i) => {
  const x = GAP + (i * (width - GAP)) / HEAT.length;
  return `<rect x="${x}" y="${bottom}" width="12" height="12" fill="${HEAT[i]}"/><text x="${x + 17}" y="${bottom + 10}">${name}</text>`;
});
const classes = INKS.map((colour, i) => {
  const x = GAP + (i * (width - GAP)) / INKS.length;
  return `<rect x="${x}" y="${bottom + 20}" width="12" height="12" fill="${colour}"/><text x="${x + 17}" y="${bottom + 30}">${i}</text>`;
});
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 42}" font-family="sans-serif" font-size="11">
<title>Scenes of digits: behind which block Cropr dropped each patch, what it predicts, and what is there</title>
<rect width="${width}" height="${bottom + 42}" fill="#fff"/>
${[...head, ...rows, ...keys, ...classes].join('\n')}
</svg>
`;
writeFileSync(FILE, svg);
console.log(`${FILE.pathname}: ${Math.round(svg.length / 1000)} kB`);
