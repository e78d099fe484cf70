/** Where the experiment keeps what it has done. */
import { createHash } from 'node:crypto';
import { DIGIT_SIDES, LOSS, NETWORK, PRUNING, SCENE, type Settings, type Variant } from './settings.js';

const hash = (...values: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, 8);

export function folderOf({ pretrain, testScenes }: Settings): string {
  return `.cache/experiments/detection-${hash(pretrain, testScenes, SCENE, DIGIT_SIDES, NETWORK, LOSS)}`;
}

/** Folder of the backbone of a seed. */
export function backboneOf(settings: Settings, seed: number): string {
  return `${folderOf(settings)}/backbone-${seed}`;
}

/** Folder of the model of a variant. */
export function modelOf(settings: Settings, variant: Variant, seed: number): string {
  const own = hash(settings.fineTune, variant === 'unpruned' ? null : PRUNING[variant]);
  return `${folderOf(settings)}/${variant}-${seed}-${own}`;
}

/** File of the score of a variant. */
export function resultOf(settings: Settings, variant: Variant, seed: number): string {
  return `${modelOf(settings, variant, seed)}.json`;
}
