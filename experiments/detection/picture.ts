/**
 * The picture of the docs, from what the experiment has trained: scenes with what Cropr found, beside what is there, and the
 * patches that are left behind each router. Writes `docs/guides/detection.svg`.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { type DetectionObject, detect, keptTokens, stripAuxHeads } from 'tfjs-llf';
import { fileSystem } from 'tfjs-llf/node';
import { writePng } from '../../examples/data/png.js';
import { modelOf } from './files.js';
import { FULL, NETWORK, QUICK, SCENE } from './settings.js';
import { INK, testScenes } from './train.js';

const FILE = new URL('../../docs/guides/detection.svg', import.meta.url);
const SCENES = 4;
/** What is not surer is not shown. */
const SURE = 0.6;
const SIDE = 120;
const GAP = 10;
const TOP = 24;
const SCALE = SIDE / SCENE.canvas;

const settings = argv[3] === 'quick' ? QUICK : FULL;
const folder = modelOf(settings, 'cropr', settings.seeds[0] ?? 1);
if (!existsSync(`${folder}/model.json`)) throw new Error('picture: run the experiment detection first.');
await tf.setBackend('wasm');
await tf.ready();
const model = stripAuxHeads(await tf.loadLayersModel(fileSystem(folder)));
const { images, objects } = await testScenes(SCENES);
const detections = await detect(model, images, { scoreThreshold: SURE });
const modules = await keptTokens(model, images);
const ink = (await images.data()).map((value) => 1 - (value / INK.scale + INK.mean));

/** The picture of a scene, in grey. */
function sceneAt(scene: number, x: number, y: number): string {
  const values = Float32Array.from(ink.subarray(scene * SCENE.canvas ** 2, (scene + 1) * SCENE.canvas ** 2));
  const png = Buffer.from(writePng({ width: SCENE.canvas, height: SCENE.canvas, values })).toString('base64');
  const place = `x="${x}" y="${y}" width="${SIDE}" height="${SIDE}"`;
  return `<image ${place} style="image-rendering: pixelated" href="data:image/png;base64,${png}"/>
<rect ${place} fill="none" stroke="#bbb" stroke-width="0.5"/>`;
}

/** Boxes with their class, and the pixels of their masks. */
function marks(things: readonly DetectionObject[], colour: string, x: number, y: number): string {
  return things
    .map(({ label, box: [top, left, bottom, right], mask = [] }) => {
      const at = (value: number, from: number): string => (from + value * SCALE).toFixed(1);
      const pixels = Array.from(mask, (pixel) => {
        const [row, column] = [Math.floor(pixel / SCENE.canvas), pixel % SCENE.canvas];
        return `M${at(column, x)} ${at(row, y)}h${SCALE}v${SCALE}h-${SCALE}z`;
      });
      const size = `width="${((right - left) * SCALE).toFixed(1)}" height="${((bottom - top) * SCALE).toFixed(1)}"`;
      return `<path d="${pixels.join('')}" fill="${colour}" fill-opacity="0.45"/>
<rect x="${at(left, x)}" y="${at(top, y)}" ${size} fill="none" stroke="${colour}" stroke-width="1.5"/>
<text x="${at(left, x + 2)}" y="${at(Math.max(top, 4), y - 2)}" fill="${colour}" font-weight="bold">${label}</text>`;
    })
    .join('\n');
}

/** Covers the patches that are gone. */
function cover(kept: readonly number[], x: number, y: number): string {
  const columns = SCENE.canvas / NETWORK.patchSize;
  const side = NETWORK.patchSize * SCALE;
  const gone = Array.from({ length: columns ** 2 }, (_, i) => i).filter((i) => !kept.includes(i));
  const path = gone.map(
    (i) => `M${x + (i % columns) * side} ${y + Math.floor(i / columns) * side}h${side}v${side}h-${side}z`,
  );
  return `<path d="${path.join('')}" fill="#33415c" fill-opacity="0.85"/>`;
}

const titles = ['what is there', 'found', ...modules.map(({ kept }) => `${kept[0]?.length} patches left`)];
const column = (i: number): number => GAP + i * (SIDE + GAP);
const head = titles.map((title, i) => `<text x="${column(i) + SIDE / 2}" y="16" text-anchor="middle">${title}</text>`);
const rows = Array.from({ length: SCENES }, (_, scene) => {
  const y = TOP + scene * (SIDE + GAP);
  const panels = titles.map((_, i) => sceneAt(scene, column(i), y));
  const covers = modules.map(({ kept }, i) => cover(kept[scene] ?? [], column(i + 2), y));
  const there = marks(objects[scene] ?? [], '#2a7f3f', column(0), y);
  const found = marks(detections[scene] ?? [], '#c2410c', column(1), y);
  return [...panels, ...covers, there, found].join('\n');
});
const [width, height] = [column(titles.length), TOP + SCENES * (SIDE + GAP)];
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">
<title>Scenes of digits: what is there, what Cropr found, and the patches that are left behind each router</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${head.join('\n')}
${rows.join('\n')}
</svg>
`;
writeFileSync(FILE, svg);
console.log(`${FILE.pathname}: ${Math.round(svg.length / 1000)} kB`);
