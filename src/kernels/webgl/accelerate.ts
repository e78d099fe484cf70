import { backend as currentBackend, getBackend, ready } from '@tensorflow/tfjs-core';
import { type Acceleration, install } from '../install.js';
import { missingInternals } from './backend.js';
import { localLaplacian, localLaplacianGrad } from './local_laplacian.js';

/**
 * Installs shader programs in the WebGL backend of tfjs, for the local Laplacian filter: about three short passes for each
 * level of the pyramid instead of hundreds of operations, forward and with gradients. Call it once after
 * `tf.setBackend('webgl')`; a second call returns the first handle.
 *
 * Results are those of the composed operations within float32 rounding. A table as remap function (and so every network) has
 * its gradient summed on the processor, which reads one image for each sample. Where the backend's internals are not those of
 * tfjs 4.22, the composed operations stay and the handle's `warning` says why.
 *
 * @throws If the current backend is not `webgl`.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { localLaplacian } from 'tfjs-llf';
 * import { accelerateWebgl } from 'tfjs-llf/kernels';
 *
 * if (tf.getBackend() === 'webgl') console.log((await accelerateWebgl()).kernels);
 * console.log(localLaplacian(tf.randomUniform([1, 32, 32, 1])).shape);
 * ```
 */
export async function accelerateWebgl(): Promise<Acceleration> {
  await ready();
  if (getBackend() !== 'webgl')
    throw new Error(
      `accelerateWebgl: backend must be "webgl" (call tf.setBackend('webgl') first), received "${getBackend()}".`,
    );
  const missing = missingInternals(currentBackend());
  if (missing) {
    const warning = `The composed operations stay: this version of the WebGL backend differs from 4.22: ${missing} was not found.`;
    return { kernels: [], warning, dispose: () => {} };
  }
  return install('webgl', { LLFLocalLaplacian: localLaplacian, LLFLocalLaplacianGrad: localLaplacianGrad });
}
