/** Bundled by `run.ts` together with the test files of tfjs-core. */
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import './environment.js';
import '@tensorflow/tfjs-core/dist/tests';
import { runSuite } from './environment.js';

export const report = runSuite();
