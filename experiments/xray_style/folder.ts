/** Where the results of the experiment lie. */
import { createHash } from 'node:crypto';
import * as settings from './settings.js';
import { STYLES } from './styles.js';
import type { Task } from './task.js';

const { SEEDS: _, CONTENDERS: __, REMAPS, ...shared } = settings;
const hash = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);
const styles = STYLES.map(({ name, remap, tone }) => [name, String(remap), String(tone)]);

/** Finished parts stay here, so that a run which was broken off goes on; other settings have another folder. */
export const FOLDER: string = `.cache/experiments/xray-style-${hash([shared, styles])}`;

/** The result of a task. */
export function fileOf({ style, contender, seed }: Task): string {
  return `${FOLDER}/${style}-${contender}-${seed}-${hash(REMAPS[contender] ?? null)}.json`;
}
