import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-webgl';
import fc from 'fast-check';

if (import.meta.env['TEST_BACKEND'] === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
tf.enableProdMode();
// Each run waits for the GPU, which the tests emulate.
fc.configureGlobal({ seed: 1, numRuns: 20 });
