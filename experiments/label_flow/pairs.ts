/**
 * Label flows on pairs of image classes with three one-pixel signals: MNIST, and Fashion-MNIST where Debian's package is
 * installed. `npm run experiment -- label-flow-pairs 1` runs the first seed alone.
 */
import { argv } from 'node:process';
import { runGrid } from './grid.js';
import { availablePairs } from './image_pairs.js';

const SEEDS: readonly number[] = [0, 1];
await runGrid(
  new URL('./pairs_task.ts', import.meta.url),
  availablePairs(),
  SEEDS.slice(0, Number(argv[3] ?? SEEDS.length)),
);
