import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe } from 'vitest';

export type Backend = 'cpu' | 'wasm' | 'webgl' | 'webgpu';

/** What `npm run contract` asks for. */
const { TEST_BACKEND: chosen, TEST_ACCELERATED: isAccelerated } = import.meta.env as Record<string, string | undefined>;

/** The backends of this environment: cpu and wasm in Node, webgl in a browser. */
const usual: readonly Backend[] = typeof window === 'undefined' ? ['cpu', 'wasm'] : ['webgl'];
const backends = chosen ? [chosen as Backend] : usual;

async function accelerate(backend: Backend): Promise<void> {
  const { warning } =
    backend === 'wasm'
      ? await (await import('../../src/wasm/index.js')).accelerateWasm()
      : await (await import('../../src/kernels/index.js')).accelerateWebgl();
  if (warning) throw new Error(warning);
}

/** Describes the body once for each backend of the environment, with that backend set and ready. */
export function onEachBackend(body: (backend: Backend) => void): void {
  describe.each(backends)('%s', (backend) => {
    beforeAll(async () => {
      if (!(await tf.setBackend(backend))) throw new Error(`The backend ${backend} does not start here.`);
      await tf.ready();
      if (isAccelerated) await accelerate(backend);
    });
    body(backend);
  });
}
