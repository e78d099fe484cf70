import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

// Training through numbers that are not finite, say, would print a warning for each test.
tf.enableProdMode();
