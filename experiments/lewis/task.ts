/** A child process: plays one game and sends how it went. */
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { type Progress, play, type Regime } from '../../examples/lewis-game/regimes.js';
import { PLAN } from './settings.js';

/** What a child is asked to do. */
export interface Task {
  regime: Regime;
  seed: number;
}

const { regime, seed } = JSON.parse(argv.at(-1) ?? '') as Task;
await tf.setBackend('wasm');
await accelerateWasm();
const history: Progress[] = await play(regime, PLAN, seed, ({ iteration, won, similarity }) => {
  const found = `${(100 * won).toFixed(0)} % found, similarity ${similarity.all.toFixed(3)}`;
  process.stderr.write(`${regime}, seed ${seed}: iteration ${iteration}/${PLAN.iterations}, ${found}\n`);
});
process.send?.(history, () => process.exit());
