import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe } from 'vitest';

export type Backend = 'cpu' | 'wasm' | 'webgl';

/** The backends of this environment: cpu and wasm in Node, webgl in a browser. */
const backends: readonly Backend[] = typeof window === 'undefined' ? ['cpu', 'wasm'] : ['webgl'];

/** Describes the body once for each backend of the environment, with that backend set and ready. */
export function onEachBackend(body: (backend: Backend) => void): void {
  describe.each(backends)('%s', (backend) => {
    beforeAll(async () => {
      if (!(await tf.setBackend(backend))) throw new Error(`The backend ${backend} does not start here.`);
      await tf.ready();
    });
    body(backend);
  });
}
