/** Which patches Cropr drops, and what that costs: the share of the digit's own, and the accuracy where few of them stay. */
import * as tf from '@tensorflow/tfjs';
import { keptTokens } from 'tfjs-llf';
import { fileSystem } from 'tfjs-llf/node';
import { table } from '../../bench/harness.js';
import { adoptBackbone, build, digitPatches, rightOnes, testScenes } from './train.js';

/** Images per call of `keptTokens`. */
const BATCH = 100;
/** Scenes with so many of the digit's patches or more behind the last router are one group. */
const MOST = 3;

/** How many of the digit's patches are left behind each router, for each image. */
async function leftOver(model: tf.LayersModel, images: tf.Tensor, digits: readonly number[][]): Promise<number[][]> {
  const left: number[][] = [];
  for (let from = 0; from < digits.length; from += BATCH) {
    const part = tf.slice(images, from, BATCH);
    const routers = await keptTokens(model, part);
    part.dispose();
    for (let i = 0; i < BATCH; i++) {
      const own = new Set(digits[from + i]);
      left.push(routers.map(({ kept }) => (kept[i] ?? []).filter((patch) => own.has(patch)).length));
    }
  }
  return left;
}

/** Two tables from the folders of an unpruned and a Cropr model for each seed. */
export async function patchReport(
  folders: readonly { seed: number; unpruned: string; cropr: string }[],
  count: number,
): Promise<string> {
  const scenes = await testScenes(count);
  const digits = await digitPatches(count);
  const groups = Array.from({ length: MOST + 1 }, () => ({ scenes: 0, unpruned: 0, cropr: 0 }));
  const kept: string[][] = [];
  for (const { seed, ...trained } of folders) {
    const [unpruned, cropr] = [build('unpruned', seed), build('cropr', seed)];
    adoptBackbone(unpruned, await tf.loadLayersModel(fileSystem(trained.unpruned)));
    adoptBackbone(cropr, await tf.loadLayersModel(fileSystem(trained.cropr)));
    const right = [await rightOnes(unpruned, scenes), await rightOnes(cropr, scenes)] as const;
    const left = await leftOver(cropr, scenes.images, digits);
    for (const [i, numbers] of left.entries()) {
      const group = groups[Math.min(numbers.at(-1) ?? 0, MOST)] as (typeof groups)[number];
      group.scenes++;
      group.unpruned += right[0][i] as number;
      group.cropr += right[1][i] as number;
    }
    const mean = (router: number): number => left.reduce((sum, row) => sum + (row[router] ?? 0), 0) / count;
    kept.push([`${seed}`, ...(left[0] ?? []).map((_, router) => mean(router).toFixed(2))]);
    for (const model of [unpruned, cropr]) model.dispose();
  }
  tf.dispose([scenes.images, scenes.targets]);
  const rows = groups.map((group, left) => {
    const share = (part: number, whole: number): string => ((100 * part) / whole).toFixed(1);
    const name = left === MOST ? `${left} or more` : `${left}`;
    const all = count * folders.length;
    return [name, share(group.scenes, all), share(group.unpruned, group.scenes), share(group.cropr, group.scenes)];
  });
  return [
    table([['seed', ...(kept[0] ?? []).slice(1).map((_, i) => `left behind router ${i + 1}`)], ...kept]),
    table([['left behind the last', 'scenes (%)', 'unpruned (%)', 'cropr (%)'], ...rows]),
  ].join('\n\n');
}
