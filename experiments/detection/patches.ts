/** Which patches a router drops: those of a digit among all that leave behind each block. */
import * as tf from '@tensorflow/tfjs';
import { keptTokens, stripAuxHeads } from 'tfjs-llf';
import { fileSystem } from 'tfjs-llf/node';
import { table } from '../../bench/harness.js';
import { NETWORK, SCENE, SCHEDULE } from './settings.js';
import { type Scenes, testScenes } from './train.js';

/** Images that are looked at. */
const COUNT = 500;
const { prune } = SCHEDULE;
const COLUMNS = SCENE.canvas / NETWORK.patchSize;

/** The patches with a pixel of a digit, for each image. */
function digitPatches(objects: Scenes['objects']): Set<number>[] {
  const patchOf = (pixel: number): number =>
    Math.floor(pixel / SCENE.canvas / NETWORK.patchSize) * COLUMNS +
    Math.floor((pixel % SCENE.canvas) / NETWORK.patchSize);
  return objects.map((digits) => new Set(digits.flatMap(({ mask }) => [...mask].map(patchOf))));
}

/** How many of a digit's patches are left behind each router, per image: a row for each router, the mean over its models. */
export async function patchReport(folders: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const { images, objects } = await testScenes(COUNT);
  const digits = digitPatches(objects);
  const rows: string[][] = [];
  for (const [name, places] of Object.entries(folders)) {
    const left = prune.map(() => 0);
    for (const folder of places) {
      const model = stripAuxHeads(await tf.loadLayersModel(fileSystem(folder)));
      for (const [router, { kept }] of (await keptTokens(model, images)).entries()) {
        const own = kept.flatMap((patches, i) => patches.filter((patch) => digits[i]?.has(patch)));
        left[router] = (left[router] as number) + own.length / COUNT / places.length;
      }
      model.dispose();
    }
    rows.push([name, ...left.map((count) => count.toFixed(2))]);
  }
  images.dispose();
  const all = digits.reduce((sum, { size }) => sum + size, 0) / COUNT;
  const removed = prune.map((_, router) => prune.slice(0, router + 1).reduce((sum, count) => sum + count, 0));
  const chance = removed.map((count) => (all * (1 - count / COLUMNS ** 2)).toFixed(2));
  const head = ['router', ...prune.map((_, router) => `left behind router ${router + 1}`)];
  return `Patches with a pixel of a digit, per image: ${all.toFixed(2)}\n\n${table([head, ...rows, ['by chance', ...chance]])}`;
}
