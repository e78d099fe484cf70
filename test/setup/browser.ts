import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgl';
import fc from 'fast-check';

tf.enableProdMode();
// Each run waits for the GPU, which the tests emulate.
fc.configureGlobal({ seed: 1, numRuns: 20 });
