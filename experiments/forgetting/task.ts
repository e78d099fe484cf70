/** A child process: trains one network and sends what came of it. */
import { argv } from 'node:process';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerateWasm } from 'tfjs-llf/wasm';
import { type Run, train } from './train.js';

await tf.setBackend('wasm');
await accelerateWasm();
const outcome = await train(JSON.parse(argv.at(-1) ?? '') as Run);
process.send?.(outcome, () => process.exit());
