import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';

// Training through numbers that are not finite, say, would print a warning for each test.
tf.enableProdMode();
// The same cases in every run; FAST_CHECK_SEED=... looks for others.
fc.configureGlobal({ seed: Number(process.env['FAST_CHECK_SEED'] ?? 1) });

// What stands outside of onEachBackend runs on cpu: wasm ranks first but is not ready without a wait.
await tf.setBackend('cpu');
