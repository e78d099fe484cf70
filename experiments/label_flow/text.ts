/**
 * Label flows on short reviews: keywords and a word list as signals, bags of words as features. `npm run experiment --
 * label-flow-text 1` runs the first split alone.
 */
import { argv } from 'node:process';
import { runGrid } from './grid.js';
import { REVIEWS } from './reviews.js';

const SEEDS: readonly number[] = [0, 1, 2];
await runGrid(new URL('./text_task.ts', import.meta.url), REVIEWS, SEEDS.slice(0, Number(argv[3] ?? SEEDS.length)));
